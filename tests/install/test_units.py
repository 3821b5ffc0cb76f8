"""The unit files say what the service needs, and systemd understands them."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = {"notify": ROOT / "deploy/queuemgr.service", "forking": ROOT / "deploy/queuemgr-forking.service"}


def read(unit: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    assert parser["Install"]["WantedBy"] == "multi-user.target"
    assert parser["Unit"]["After"] == "network.target"
    return parser["Service"]


@pytest.mark.parametrize("kind", UNITS)
def test_a_unit_runs_the_daemon_as_its_own_user_with_what_it_needs(kind: str) -> None:
    service = read(UNITS[kind])
    python = "/opt/queuemgr/.venv/bin/python -m queuemgr.service.daemon"
    assert service["Type"] == kind
    assert service["ExecStart"] == f"{python} start" + (" --daemon" if kind == "forking" else "")
    assert service["ExecStop"] == f"{python} stop"
    wanted = {
        "User": "queuemgr",
        "Group": "queuemgr",
        "WorkingDirectory": "/opt/queuemgr",
        "Restart": "always",
        "RestartSec": "10",
        "LimitNOFILE": "65536",
        "LimitNPROC": "4096",
        "UMask": "0077",
        "RuntimeDirectory": "queuemgr",
        "StateDirectory": "queuemgr",
        "LogsDirectory": "queuemgr",
    }
    assert {name: service[name] for name in wanted} == wanted


def test_the_forking_unit_knows_the_pid_file_and_the_other_one_has_a_watchdog() -> None:
    assert read(UNITS["forking"])["PIDFile"] == "/var/run/queuemgr/daemon.pid"
    assert int(read(UNITS["notify"])["WatchdogSec"]) >= 10


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze (apt-get install systemd)")
@pytest.mark.parametrize("kind", UNITS)
def test_systemd_understands_a_unit(kind: str, tmp_path: Path) -> None:
    unit = tmp_path / UNITS[kind].name
    unit.write_text(UNITS[kind].read_text().replace("/opt/queuemgr/.venv/bin/python", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    about_it = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, about_it) == (0, [])
