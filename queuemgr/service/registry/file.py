"""The registry's file: lines at its end, whole or not at all, and its rewriting. It knows no job and no store."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from queuemgr.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TAIL = 1024
READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Look:
    """What tells whether a file is the one that it was, perhaps with more at its end."""

    inode: int = 0
    size: int = 0
    tail: str = ""


class RegistryFile:
    """Several processes may append to it at a time. Raises RegistryError.

    With `held` it stays open between two changes until `close`: for one thread of a process that does not fork.
    """

    def __init__(self, path: Path, *, held: bool = False) -> None:
        self.path = path
        self._held = held
        self._file = -1

    def append(self, data: bytes) -> tuple[Look | None, Look]:
        """Add whole lines. What it was before, None where there was no file, and what it is then."""
        with self._locked() as (file, existed):
            status = os.fstat(file)
            size, end = status.st_size, _tail(file, status.st_size)
            before = Look(status.st_ino, size, _digest(end))
            # A line that its writer could not complete must not swallow the first of ours.
            data = b"\n" + data if end and not end.endswith(b"\n") else data
            _write(file, data)
            after = Look(status.st_ino, size + len(data), _digest((end + data)[-TAIL:]))
            return (before if existed else None), after

    def look(self) -> Look | None:
        """None where there is no file."""
        with self._reading() as file:
            return None if file is None else _look(file, os.fstat(file).st_size)

    def goes_on(self, before: Look) -> bool:
        """Whether it is still the file that was seen, with nothing changed but more at its end."""
        with self._reading() as file:
            if file is None:
                return False
            status = os.fstat(file)
            return (
                status.st_ino == before.inode and status.st_size >= before.size and _look(file, before.size) == before
            )

    def lines(self, start: int = 0) -> Iterator[bytes]:
        """The lines from the byte `start` on, without their ends; the last one may be torn."""
        with self._reading() as file:
            rest = b""
            while file is not None and (data := os.pread(file, READ, start)):
                start += len(data)
                *whole, rest = (rest + data).split(b"\n")
                yield from whole
            if rest:
                yield rest

    def replace(self, lines: Iterable[bytes]) -> Look:
        """Put these lines in the place of all. A crash leaves the one or the other."""
        new = self.path.with_name(f".{self.path.name}.new")
        with self._locked() as (old, _):
            with new.open("w+b") as file:
                os.fchmod(file.fileno(), os.fstat(old).st_mode & 0o777)
                file.writelines(line + b"\n" for line in lines)
                file.flush()
                os.fsync(file.fileno())
                look = _look(file.fileno(), file.tell())
            new.rename(self.path)
            _sync_folder(self.path)
            return look

    def close(self) -> None:
        """Let go of the file; it is opened again when something is appended."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    @contextmanager
    def _locked(self) -> Iterator[tuple[int, bool]]:
        """The file, which is the one of that name, and whether it was there."""
        file = -1
        try:
            file, existed = self._take()
            yield file, existed
            if self._held:
                fcntl.flock(file, fcntl.LOCK_UN)
                self._file, file = file, -1
        except OSError as error:
            raise RegistryError(f"{self.path} cannot be written: {error.strerror}", error) from error
        finally:
            if file >= 0:
                os.close(file)

    def _take(self) -> tuple[int, bool]:
        file, self._file = self._file, -1
        existed = True
        while True:
            if file < 0:
                existed = self.path.exists()
                self.path.parent.mkdir(parents=True, exist_ok=True)
                file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(file, self.path):
                return file, existed
            os.close(file)
            file = -1

    @contextmanager
    def _reading(self) -> Iterator[int | None]:
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            raise RegistryError(f"{self.path} cannot be read: {error.strerror}", error) from error
        try:
            yield file
        except OSError as error:
            raise RegistryError(f"{self.path} cannot be read: {error.strerror}", error) from error
        finally:
            os.close(file)


def _is_at(file: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return path.stat().st_ino == os.fstat(file).st_ino
    return False


def _look(file: int, size: int) -> Look:
    return Look(os.fstat(file).st_ino, size, _digest(_tail(file, size)))


def _tail(file: int, size: int) -> bytes:
    return os.pread(file, min(TAIL, size), max(0, size - TAIL)) if size else b""


def _digest(tail: bytes) -> str:
    return blake2b(tail, digest_size=8).hexdigest()


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
