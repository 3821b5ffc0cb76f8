"""install.sh from the first run to the last, in a tree of its own, in this order."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import DAEMON, PYTHON, ROOT

if TYPE_CHECKING:
    from .conftest import Tree

pytestmark = pytest.mark.slow

JOB = """
from queuemgr.jobs.base import QueueJobBase

class Report(QueueJobBase):
    def execute(self) -> None:
        self.set_result({"pages": self.params.get("pages", 1)})
"""


def test_uninstalled_it_says_so(tree: Tree) -> None:
    assert "not installed" in tree.install("status", code=3)
    assert "it is not installed: sudo ./install.sh" in tree.install("update", code=1)
    assert "'frobnicate' means nothing here" in tree.install("frobnicate", code=1)
    assert "install.sh [install|update|uninstall|status]" in tree.install("--help")


def test_it_makes_user_folders_environment_settings_and_unit(tree: Tree) -> None:
    assert "queuemgr: installed: queuemgr " in tree.install(f"--python {PYTHON}")
    assert tree.run("id -gn queuemgr").strip() == "queuemgr"
    assert "nologin" in tree.run("getent passwd queuemgr")
    assert tree.run("stat -c '%a %U:%G' /opt/queuemgr /var/lib/queuemgr /var/log/queuemgr /var/run/queuemgr") == (
        "755 root:queuemgr\n700 queuemgr:queuemgr\n750 queuemgr:queuemgr\n750 queuemgr:queuemgr\n"
    )
    assert tree.run("stat -c '%a %U:%G' /opt/queuemgr/config.py").strip() == "640 root:queuemgr"
    assert "Type=notify" in tree.run("cat /etc/systemd/system/queuemgr.service")
    assert "max_concurrent_jobs" in tree.as_user(f"{DAEMON} config")
    assert "queuemgr" in tree.run("queuemgr-cli version")


def test_nothing_is_world_writable_and_no_code_belongs_to_the_service(tree: Tree) -> None:
    places = "/opt/queuemgr /var/lib/queuemgr /var/log/queuemgr /run/queuemgr /etc/systemd/system/queuemgr.service"
    assert tree.run(f"find {places} ! -type l -perm /o+w") == ""
    assert tree.run("find /opt/queuemgr -user queuemgr") == ""


def test_the_lines_of_the_forking_unit_start_and_stop_it_as_its_user(tree: Tree) -> None:
    Path(tree.root, "opt/queuemgr/jobs/report.py").write_text(JOB)
    tree.as_user(f"{DAEMON} start --daemon")
    assert "running" in tree.as_user("/opt/queuemgr/.venv/bin/python -m queuemgr.service.cli service status")
    assert tree.as_user("queuemgr-cli job classes") == "report.Report\n"
    tree.as_user("queuemgr-cli job add report.Report monday '{\"pages\": 3}' --start")
    assert '{"pages": 3}' in tree.as_user("queuemgr-cli job wait monday")
    tree.as_user("queuemgr-cli job add report.Report later")
    assert "COMPLETED" in tree.run("queuemgr-cli job status monday"), "root may ask, too"
    Path(tree.root, "tmp/older.jsonl").write_text(
        '{"job_id": "old", "status": 2, "updated_at": "2026-11-01T10:00:00"}\n'
    )
    assert "1 job taken over from /tmp/older.jsonl" in tree.run("queuemgr-cli service import /tmp/older.jsonl")
    assert "COMPLETED" in tree.as_user("queuemgr-cli job status old")
    assert tree.run("find /var/lib/queuemgr ! -user queuemgr") == "", "root leaves nothing of its own there"
    assert "you may not ask it" in tree.run("runuser -u nobody -- queuemgr-cli job list", code=5)
    _nothing_for_others(tree)
    tree.as_user(f"{DAEMON} stop")
    assert "Status: stopped" in tree.as_user(f"{DAEMON} status", code=3)


def _nothing_for_others(tree: Tree) -> None:
    for place in ("var/lib/queuemgr", "var/log/queuemgr", "run/queuemgr"):
        for file in Path(tree.root, place).rglob("*"):
            allowed = 0o644 if file.name == "daemon.pid" else 0o700
            assert stat.S_IMODE(file.lstat().st_mode) & ~allowed == 0, file


def test_root_starts_it_as_its_user(tree: Tree) -> None:
    tree.run("queuemgr-cli service start")
    try:
        assert tree.run("stat -c %U /run/queuemgr/proc/control.sock").strip() == "queuemgr"
    finally:
        tree.run("queuemgr-cli service stop")


def test_an_update_keeps_jobs_results_and_settings_and_the_service_running(tree: Tree) -> None:
    config = Path(tree.root, "opt/queuemgr/config.py")
    config.write_text(config.read_text().replace("50", "7"))
    tree.as_user(f"{DAEMON} start --daemon")
    try:
        said = tree.install("--forking")
        assert "updated" in said
        assert "it runs again" in said
        assert "of 7 at once" in tree.as_user("queuemgr-cli service status")
        assert '{"pages": 3}' in tree.as_user("queuemgr-cli job status monday")
        tree.as_user("queuemgr-cli job start later")
        assert "COMPLETED" in tree.as_user("queuemgr-cli job wait later")
        assert "Type=forking" in tree.run("cat /etc/systemd/system/queuemgr.service")
        assert "Status: running" in tree.install("status")
    finally:
        tree.as_user(f"{DAEMON} stop")


def test_an_update_that_fails_leaves_the_service_running(tree: Tree) -> None:
    tree.as_user(f"{DAEMON} start --daemon")
    try:
        pid = tree.run("cat /run/queuemgr/daemon.pid")
        tree.run(f"{ROOT}/install.sh update", code=1, PIP_NO_INDEX="1")
        assert tree.run("cat /run/queuemgr/daemon.pid") == pid, "what cannot be built stops nothing"
        said = tree.install("update --extras 'redis]['", code=1)
        assert "it failed; the service that was stopped is started again" in said
        assert "running" in tree.as_user("queuemgr-cli service status")
    finally:
        tree.as_user(f"{DAEMON} stop")


def test_wrong_settings_stop_an_update_with_a_word(tree: Tree) -> None:
    config = Path(tree.root, "opt/queuemgr/config.py")
    good = config.read_text()
    config.write_text(good.replace("max_concurrent_jobs", "max_concurent_jobs"))
    said = tree.install(code=1)
    config.write_text(good)
    assert "did you mean 'max_concurrent_jobs'?" in said
    assert "the settings in /opt/queuemgr/config.py are wrong" in said


def test_it_can_be_removed_without_its_data_and_come_back_to_them(tree: Tree) -> None:
    said = tree.install("uninstall --keep")
    assert "jobs and results stay in /var/lib/queuemgr" in said
    assert "your job classes stay in /opt/queuemgr/jobs" in said
    places = "/etc/systemd/system/queuemgr.service /usr/local/bin/queuemgr-cli /run/queuemgr"
    assert tree.run(f"ls {places} || true").count("No such file") == 3
    assert tree.run("cd /opt/queuemgr; find . -type f") == "./jobs/report.py\n"
    assert "removed" in tree.install("uninstall --keep"), "a second time, too"
    tree.install(f"--python {PYTHON}")
    assert "7" in tree.run("grep max_concurrent_jobs /opt/queuemgr/config.py")
    tree.as_user(f"{DAEMON} start --daemon")
    try:
        assert '{"pages": 3}' in tree.as_user("queuemgr-cli job status monday")
        assert tree.as_user("queuemgr-cli job classes") == "report.Report\n"
    finally:
        tree.as_user(f"{DAEMON} stop")


def test_it_can_be_removed_altogether_while_it_runs(tree: Tree) -> None:
    tree.as_user(f"{DAEMON} start --daemon")
    assert "removed, with all its data" in tree.install("uninstall --purge")
    places = "/opt/queuemgr /var/lib/queuemgr /var/log/queuemgr /run/queuemgr /etc/systemd/system/queuemgr.service"
    assert tree.run(f"ls -d {places} || true").count("No such file") == 5
    tree.run("id queuemgr", code=1)
