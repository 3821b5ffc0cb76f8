"""Large results as files in a folder: `kept/<digest>/` has the bytes and an empty file for each run that needs them.

Bytes are written under the run's own name in `drafts`, made safe, then renamed. It decides on no lifetime.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr.errors import StoreUnavailable
from queuemgr.result import Holding, Owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


DATA = "result.zst"
_FOLDER, _FILE = 0o700, 0o600


class FilePlace:
    """A folder that one user may read and write. It is made with the first result.

    Several machines may share it if its file system knows locks.
    """

    def __init__(self, folder: Path | str) -> None:
        self.name = str(folder)
        self._folder = Path(folder)
        self._drafts = self._folder / "drafts"
        self._kept = self._folder / "kept"

    def draft(self, owner: Owner) -> FileDraft:
        """Raises StoreUnavailable."""
        with _told(f"a result of job {owner.job} cannot be kept in {self.name}"):
            for folder in (self._folder, self._drafts, self._kept):
                folder.mkdir(_FOLDER, parents=True, exist_ok=True)
            return FileDraft(self, owner, self._drafts / owner.name)

    def open(self, digest: str) -> FileSource:
        """Raises KeyError, StoreUnavailable."""
        with _told(f"a result in {self.name} cannot be read"):
            try:
                return FileSource(self._kept / digest / DATA)
            except FileNotFoundError:
                raise KeyError(digest) from None

    def growing(self, owner: Owner) -> FileSource | None:
        with _told(f"the growing result of job {owner.job} in {self.name} cannot be read"):
            try:
                return FileSource(self._drafts / owner.name)
            except FileNotFoundError:
                return None

    def holdings(self) -> Iterator[Holding]:
        """Everything that is here."""
        with _told(f"the results in {self.name} cannot be listed"):
            for entry in _entries(self._drafts):
                yield Holding(Owner.named(entry.name), None, _size(entry))
            for folder in _entries(self._kept):
                files = {entry.name: entry for entry in _entries(folder.path)}
                data = files.pop(DATA, None)
                stored = 0 if data is None else _size(data)
                for name in files:
                    yield Holding(Owner.named(name), folder.name, stored)
                if not files:
                    yield Holding(None, folder.name, stored)

    def release(self, holdings: Sequence[Holding]) -> int:
        """Forget these; bytes that nobody holds any more go. How many bytes went."""
        freed = 0
        with _told(f"results in {self.name} cannot be removed"):
            for holding in holdings:
                if holding.digest is None:
                    assert holding.owner is not None
                    (self._drafts / holding.owner.name).unlink(missing_ok=True)
                    freed += holding.stored
                else:
                    with self.locked():
                        freed += self._let_go(self._kept / holding.digest, holding.owner)
        return freed

    def belongs_to(self, store_id: str) -> bool:
        """Whether it holds the results of this store. The first that asks is the one."""
        mark = self._folder / "store"
        if not self._folder.is_dir():
            return True
        with _told(f"{mark} cannot be written"):
            if owner := _text(mark):
                return owner == store_id
            with self.locked():
                if not (owner := _text(mark)):
                    _write_safely(mark, store_id)
        return owner in ("", store_id)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else adds a holder of bytes or removes bytes meanwhile."""
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def take(self, draft: Path, owner: Owner, digest: str) -> None:
        """Have the draft's bytes under their digest; where they are already, one holder more."""
        folder = self._kept / digest
        with self.locked():
            folder.mkdir(_FOLDER, exist_ok=True)
            # The holder goes before the bytes: bytes without one may be removed at any time.
            os.close(os.open(folder / owner.name, os.O_WRONLY | os.O_CREAT, _FILE))
            if (folder / DATA).exists():
                draft.unlink()
            else:
                draft.rename(folder / DATA)
            _sync_folder(folder)
            _sync_folder(self._kept)

    def _let_go(self, folder: Path, owner: Owner | None) -> int:
        if owner is not None:
            (folder / owner.name).unlink(missing_ok=True)
        if any(entry.name != DATA for entry in _entries(folder)):
            return 0
        freed = 0
        with suppress(FileNotFoundError):
            freed = (folder / DATA).stat().st_size
            (folder / DATA).unlink()
        with suppress(FileNotFoundError):
            folder.rmdir()
        return freed


class FileDraft:
    """A file that grows. Once something went wrong it is gone."""

    def __init__(self, place: FilePlace, owner: Owner, path: Path) -> None:
        self._place = place
        self._owner = owner
        self._path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        path.unlink(missing_ok=True)
        self._file = os.open(path, flags, _FILE)
        self._written = 0
        self._open = True

    def write(self, data: bytes) -> None:
        """Raises StoreUnavailable; then the file is gone."""
        with self._told():
            view = memoryview(data)
            while view:
                done = os.write(self._file, view)
                self._written += done
                view = view[done:]

    def keep(self, digest: str) -> None:
        """Raises StoreUnavailable; then the file is gone."""
        with self._told():
            os.fsync(self._file)
            self._place.take(self._path, self._owner, digest)
        self._close()

    def discard(self) -> None:
        if self._open:
            self._close()
            self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        self._open = False
        os.close(self._file)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with _told(
                f"the result of job {self._owner.job} cannot be kept in {self._place.name} after "
                f"{self._written:,} bytes, and nothing of it was"
            ):
                yield
        except StoreUnavailable:
            self.discard()
            raise


class FileSource:
    """An open file; it stays readable when its name changes or goes."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._file = -1
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def size(self) -> int:
        return os.fstat(self._file).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Fewer than `length` only at the end."""
        with _told(f"{self.name} cannot be read"):
            data = os.pread(self._file, length, offset)
            while 0 < len(data) < length and (more := os.pread(self._file, length - len(data), offset + len(data))):
                data += more
            return data

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        way_out = "make room there" if full else "look after that folder"
        raise StoreUnavailable(
            f"{what} ({error.strerror}): {way_out}, or name another with results=Results(folder=...)"
        ) from error


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _size(entry: os.DirEntry[str]) -> int:
    with suppress(FileNotFoundError):
        return entry.stat().st_size
    return 0


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def _write_safely(file: Path, text: str) -> None:
    """It has its name only once all of it is on the disk. One process at a time."""
    draft = file.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(file)
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
