"""The file that says which process the daemon is. The process holds a lock on it: one left behind deceives nobody."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path

from queuemgr.errors import AlreadyRunning, ConfigError

LOOK = 0.05
TRIES = 5


class PidFile:
    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()
        self._file = -1

    def take(self) -> None:
        """Write this process's id. Raises AlreadyRunning, ConfigError."""
        file = self._held()
        while not _is_at(file, self.path):
            # Its holder removed it while this one waited: a lock on it would be seen by nobody.
            os.close(file)
            file = self._held()
        os.ftruncate(file, 0)
        os.pwrite(file, b"%d\n" % os.getpid(), 0)
        self._file = file

    def release(self) -> None:
        if self._file >= 0:
            with suppress(OSError):
                if _is_at(self._file, self.path):
                    self.path.unlink()
            os.close(self._file)
            self._file = -1

    def _held(self) -> int:
        """Raises AlreadyRunning, ConfigError."""
        try:
            self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise ConfigError(
                f"the pid file {self.path} cannot be written: {error.strerror}; choose --pidfile"
            ) from error
        if not _locked(file):
            os.close(file)
            pid = self.pid()
            raise AlreadyRunning(f"the daemon runs already: pid {pid}, {self.path}; stop it first", pid)
        return file

    def pid(self) -> int | None:
        """Of the daemon that runs; None where none does, whatever the file says. Raises ConfigError."""
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError as error:
            told = f"the pid file {self.path} cannot be read: {error.strerror}; ask as root or as the service's user"
            raise ConfigError(told) from error
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(file, 32, 0).strip()
            return int(text) if text.isdigit() else None
        except OSError:
            return None
        finally:
            os.close(file)
        return None

    def end(self, patience: float) -> int | None:
        """Stop the daemon and wait until it is gone, `patience` seconds; its pid, or None where none ran.

        Raises TimeoutError, PermissionError, ConfigError.
        """
        pid = self.pid()
        if pid is None:
            return None
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return pid
        try:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGTERM)
            if not select.select([process], [], [], patience)[0]:
                raise TimeoutError(f"the daemon (pid {pid}) was told to stop and still runs after {patience:g} s")
        finally:
            os.close(process)
        return pid


def _is_at(file: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(file))
    return False


def _locked(file: int) -> bool:
    """Somebody who asks for the pid holds the lock for a moment, too."""
    for _ in range(TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOOK)
        else:
            return True
    return False
