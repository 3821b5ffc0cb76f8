"""What the daemon is told, by whom, and what it answers to nonsense."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from queuemgr.errors import ConfigError
from queuemgr.service.daemon import configuration
from queuemgr.service.daemon.configuration import gather, keys, read_file, settings_of
from queuemgr.service.daemon.finding import find_service
from queuemgr.service.host.config import proc_dir_of_programs


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(configuration, "USUAL_FILES", ())


def python_file(folder: Path, text: str, mode: int = 0o600) -> str:
    file = folder / "config.py"
    file.write_text(text)
    file.chmod(mode)
    return str(file)


def test_later_ones_win_and_every_value_has_an_origin(tmp_path: Path) -> None:
    file = tmp_path / "queuemgr.toml"
    file.write_text("max_concurrent_jobs = 7\ncleanup_interval = 60\nstop_grace = 1\n")
    environment = {"QUEUEMGR_CLEANUP_INTERVAL": "30", "QUEUEMGR_STOP_GRACE": "2"}
    values = gather(str(file), environment, {"stop_grace": 3.0, "proc_dir": None})
    told = {name: (values[name].value, values[name].origin) for name in ("stop_notice", "max_concurrent_jobs")}
    assert told == {"stop_notice": (2.0, "default"), "max_concurrent_jobs": (7, str(file))}
    assert (values["cleanup_interval"].value, values["cleanup_interval"].origin) == ("30", "$QUEUEMGR_CLEANUP_INTERVAL")
    assert (values["stop_grace"].value, values["stop_grace"].origin) == (3.0, "command line")
    settings = settings_of(values)
    assert (settings.host.max_concurrent_jobs, settings.host.cleanup_interval) == (7, 30.0)


def test_the_dict_of_the_document_is_read(tmp_path: Path) -> None:
    file = python_file(
        tmp_path,
        """
PROC_MANAGER_CONFIG = {
    "registry_path": "/var/lib/queuemgr/registry.jsonl",
    "proc_dir": "/var/run/queuemgr",
    "shutdown_timeout": 30.0,
    "cleanup_interval": 300.0,
    "max_concurrent_jobs": 50
}
""",
    )
    settings = settings_of(gather(file, {}))
    assert settings.host.registry_path == "/var/lib/queuemgr/registry.jsonl"
    assert settings.daemon.pidfile == "/var/run/queuemgr/daemon.pid"
    assert settings.daemon.log_file == "/var/log/queuemgr/daemon.log"


def test_the_daemons_own_files_stand_beside_what_was_put_elsewhere(tmp_path: Path) -> None:
    values = gather(None, {"QUEUEMGR_PROC_DIR": str(tmp_path / "run"), "QUEUEMGR_REGISTRY_PATH": str(tmp_path / "r")})
    assert values["pidfile"].value == str(tmp_path / "run/daemon.pid")
    assert values["log_file"].value == str(tmp_path / "daemon.log")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "max_concurent_jobs = 3",
            "a key 'max_concurent_jobs' that means nothing: did you mean 'max_concurrent_jobs'?",
        ),
        ("max_concurrent_jobs = 'many'", "max_concurrent_jobs = 'many' .* cannot be used: Expected `int`"),
        ("max_concurrent_jobs = 0", "max_concurrent_jobs must be at least 1"),
        ("shutdown_timeout = -1", "shutdown_timeout must be 0 or more seconds"),
        ("on_interrupt = 'shrug'", "on_interrupt = 'shrug' .* cannot be used"),
        ("log_size = 3", "log_size must be at least 1024"),
        ("memory_limit = -5", "memory_limit must be at least 1"),
        ("registry_path = 'jobs.db'", "registry_path and the store are the same file"),
        ("registry_path = 'r'\nstore = 'sqlite:///./r?x=1'", "registry_path and the store are the same file"),
        ("inline_result = -1", "inline_result must be 0 or more"),
        ("results_quota = -1", "results_quota must be 0 or more"),
        ("per_job_type_limits = {Report = -1}", "per_job_type_limits must be 0 or more for each class"),
        ("job_folders = 'jobs'", "job_folders = 'jobs' .* cannot be used: Expected `array`"),
        ("= 3", "is no TOML"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_origin(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "queuemgr.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said) as raised:
        settings_of(gather(str(file), {}))
    assert str(file) in str(raised.value)


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\(QUEUEMGR_PROCDIR\) has a key 'procdir' .* did you mean 'proc_dir'"):
        gather(None, {"QUEUEMGR_PROCDIR": "x"})
    with pytest.raises(ConfigError, match=r"max_concurrent_jobs = 'x' \(\$QUEUEMGR_MAX_CONCURRENT_JOBS\)"):
        settings_of(gather(None, {"QUEUEMGR_MAX_CONCURRENT_JOBS": "x"}))


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_program_that_others_may_change_is_not_run(tmp_path: Path, mode: int) -> None:
    file = python_file(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')\nPROC_MANAGER_CONFIG = {{}}", mode)
    with pytest.raises(ConfigError, match="others than root and this user may change it"):
        read_file(file)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("PROC_MANAGER_CONFIG = 3", "has no dict PROC_MANAGER_CONFIG"),
        ("", "has no dict PROC_MANAGER_CONFIG"),
        ("1 / 0", "failed: ZeroDivisionError"),
        ("def", "failed: SyntaxError"),
        ("raise SystemExit(4)", "failed: SystemExit: 4"),
    ],
)
def test_a_program_that_is_no_configuration_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_file(python_file(tmp_path, text))


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    file = tmp_path / "config.py"
    file.write_bytes(b"# \xff\nPROC_MANAGER_CONFIG = {}\n")
    with pytest.raises(ConfigError, match="is not written in UTF-8"):
        read_file(str(file))


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        gather("/nowhere/config.py", {})


def test_classes_beside_the_packages_own_may_run() -> None:
    places = settings_of(gather(None, {})).host.places
    assert places.allow("queuemgr.jobs.my_job.MyJob")
    assert not places.allow("os.system")


def test_lists_come_from_the_environment_with_commas() -> None:
    settings = settings_of(gather(None, {"QUEUEMGR_WORKERS": "a:app,b:app", "QUEUEMGR_JOB_FOLDERS": "/x"}))
    assert settings.daemon.workers == ("a:app", "b:app")
    assert settings.host.places.folders == ("/x",)


def test_what_has_parts_comes_from_the_environment_as_json() -> None:
    settings = settings_of(gather(None, {"QUEUEMGR_JOB_CLASSES": '{"A": "shop.A"}', "QUEUEMGR_ALERTS": "{}"}))
    assert settings.host.places.registered == {"A": "shop.A"}
    assert settings.host.alerts == {}
    with pytest.raises(ConfigError, match=r"alerts = '\{x' \(\$QUEUEMGR_ALERTS\) cannot be used: it is no JSON"):
        gather(None, {"QUEUEMGR_ALERTS": "{x"})


@pytest.mark.parametrize("name", ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_WEB", "PORT", "PORT_5000_TCP_ADDR"])
def test_what_kubernetes_tells_of_a_service_of_that_name_is_no_setting(name: str) -> None:
    assert gather(None, {f"QUEUEMGR_{name}": "10.0.0.1"}) == gather(None, {})


@pytest.mark.parametrize("key", keys())
def test_every_key_has_a_value_and_a_row_in_the_documentation(key: str) -> None:
    assert key in gather(None, {})
    page = Path(__file__).parents[2] / "docs/service.md"
    assert f"| `{key}` |" in page.read_text(encoding="utf-8")


def test_a_service_is_found_by_option_variable_and_its_socket(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "own"))
    monkeypatch.setattr("queuemgr.service.daemon.finding.RUN", tmp_path / "system")
    monkeypatch.setattr("queuemgr.service.daemon.settings.STATE", tmp_path / "nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert find_service("here", None, {"QUEUEMGR_PROC_DIR": "there"}) == "here"
    assert find_service(None, None, {"QUEUEMGR_PROC_DIR": "there"}) == "there"
    assert find_service(None, None, {}) == str(tmp_path / "own/queuemgr")
    for folder in ("queuemgr", "own/queuemgr", "system"):
        socket = tmp_path / folder / "proc/control.sock"
        socket.parent.mkdir(parents=True)
        socket.touch()
        assert find_service(None, None, {}) == str(tmp_path / folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_the_socket_of_another_user_is_not_asked(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "own"))
    monkeypatch.setattr("queuemgr.service.daemon.finding.RUN", tmp_path / "system")
    monkeypatch.setattr("queuemgr.service.daemon.settings.STATE", tmp_path / "nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    socket = tmp_path / "queuemgr/proc/control.sock"
    socket.parent.mkdir(parents=True)
    socket.touch()
    os.chown(socket, 1, 1)
    assert find_service(None, None, {}) == str(tmp_path / "own/queuemgr")


def test_a_program_of_another_user_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    usual = tmp_path / "queuemgr"
    assert proc_dir_of_programs() == str(usual)
    usual.mkdir()
    assert proc_dir_of_programs() == str(usual)
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert proc_dir_of_programs() == f"{usual}-12345"
