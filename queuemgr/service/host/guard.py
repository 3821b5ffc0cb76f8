"""Keeps a folder to one service and one user: permissions, and a lock that dies with its holder. It serves nothing."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from queuemgr.errors import AlreadyRunning, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def private_room(room: Path) -> None:
    """Make the folder, or see that it is safe. Raises ConfigError where somebody else could reach into it."""
    try:
        room.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        room.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder {room} cannot be made: {error.strerror}; choose another proc_dir") from error
    outer = room.parent.stat()
    if outer.st_uid not in (os.getuid(), 0):
        raise ConfigError(f"{room.parent} belongs to another user (uid {outer.st_uid}): choose another proc_dir")
    if outer.st_mode & 0o022 and not outer.st_mode & stat.S_ISVTX:
        raise ConfigError(f"others may write into {room.parent}: take that right away or choose another proc_dir")
    inner = room.lstat()
    if not stat.S_ISDIR(inner.st_mode) or inner.st_uid != os.getuid():
        raise ConfigError(f"{room} is not a folder of this user: remove it or choose another proc_dir")
    room.chmod(0o700)


@contextmanager
def only_ours() -> Iterator[None]:
    """What is made within it is for this user alone. It holds for all threads."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


class Lock:
    """A file that one process holds. `what` names in errors what is held by it."""

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what
        self._file = -1

    def take(self) -> None:
        """Raises AlreadyRunning where another process holds it, ConfigError where there can be no such file."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _pid_in(file)
            os.close(file)
            who = f"pid {pid}" if pid else "another process"
            raise AlreadyRunning(f"a service already runs on {self._what}: {who}; stop it first", pid) from None
        os.ftruncate(file, 0)
        os.pwrite(file, b"%d\n" % os.getpid(), 0)
        self._file = file

    def release(self) -> None:
        if self._file >= 0:
            # Emptied and not removed: whoever waits at the old file would hold a lock that nobody else sees.
            with suppress(OSError):
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def _pid_in(file: int) -> int | None:
    text = os.pread(file, 32, 0).strip()
    return int(text) if text.isdigit() else None
