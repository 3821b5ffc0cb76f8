"""A tree of its own over this machine's files: whatever install.sh writes there stays there. Needs root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PYTHON = "/usr/bin/python3"
DAEMON = "/opt/queuemgr/.venv/bin/python -m queuemgr.service.daemon"
# Not every shell of root has the folders of root's own programs on its PATH.
PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

MAKE = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
mkdir -p "$1/root$2"
mount --rbind "$2" "$1/root$2"
for gone in /opt/queuemgr /var/lib/queuemgr /var/log/queuemgr /etc/systemd/system/queuemgr.service; do
    rm -rf "$1/root$gone"
done
echo made
exec sleep infinity
"""


@dataclass
class Tree:
    """`keeper` is the process that holds its mounts."""

    folder: Path
    keeper: subprocess.Popen[str]

    @property
    def root(self) -> str:
        return f"/proc/{self.keeper.pid}/root{self.folder}/root"

    def run(self, command: str, code: int = 0, **environment: str) -> str:
        """What a shell command printed there, run by root."""
        inside = ["nsenter", "-t", str(self.keeper.pid), "-m", "chroot", f"{self.folder}/root"]
        kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        done = subprocess.run(
            [*inside, "/bin/bash", "-c", f"cd /; {command}"],
            env={"PATH": PROGRAMS, "HOME": "/root"} | kept | environment,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def install(self, words: str = "", code: int = 0) -> str:
        return self.run(f"umask 077; {ROOT}/install.sh {words}", code)

    def as_user(self, command: str, code: int = 0) -> str:
        return self.run(f"runuser -u queuemgr -- {command}", code)

    def stop(self) -> None:
        with suppress(OSError, ValueError):
            pid = int(Path(self.root, "run/queuemgr/daemon.pid").read_text())
            os.kill(pid, signal.SIGTERM)


@pytest.fixture(scope="package")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """install.sh has not run there yet."""
    if (why := _why_not()) is not None:
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("tree")
    keeper = subprocess.Popen(
        ["unshare", "-m", "bash", "-c", MAKE, "make", str(folder), str(ROOT)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert keeper.stdout is not None
    said = keeper.stdout.readline()
    try:
        if said.strip() != "made":
            pytest.skip(f"no overlay can be mounted here: {said}")
        yield Tree(folder, keeper)
    finally:
        Tree(folder, keeper).stop()
        keeper.kill()
        keeper.wait()
        keeper.stdout.close()


def _why_not() -> str | None:
    if os.geteuid() != 0:
        return "install.sh needs root: run the tests as root to try it"
    missing = [
        name
        for name in ("unshare", "nsenter", "chroot", "runuser", "useradd")
        if shutil.which(name, path=PROGRAMS) is None
    ]
    if missing:
        return f"no {missing[0]} in {PROGRAMS} (Debian, Ubuntu: apt-get install util-linux passwd)"
    usable = subprocess.run([PYTHON, "-c", "import venv, ensurepip"], capture_output=True, check=False)
    if usable.returncode != 0:
        return f"{PYTHON} has no venv module (Debian, Ubuntu: apt-get install python3-venv)"
    return None
