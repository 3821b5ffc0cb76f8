"""Finds the files that the demo reads, and counts what it leaves out. It opens no file."""

from __future__ import annotations

import os
import stat
import sysconfig
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSED_OVER = frozenset({"__pycache__", "site-packages"})


@dataclass(frozen=True, slots=True)
class File:
    """`path` is as the operating system gives it; `stamp` differs once the file was written to."""

    path: str
    name: str
    size: int
    stamp: tuple[int, ...]

    @property
    def argument(self) -> str | bytes:
        """The path as a job can carry it: bytes where its name is no text."""
        raw = os.fsencode(self.path)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw

    def changed(self) -> bool:
        try:
            return _stamp(Path(self.path).lstat()) != self.stamp
        except OSError:
            return True


@dataclass(frozen=True, slots=True)
class Listing:
    """`left_out` counts what is no plain file, and what could not be looked into."""

    folder: Path
    files: list[File] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def standard_library() -> str:
    return sysconfig.get_path("stdlib")


def list_files(folder: str, limit: int | None = None) -> Listing:
    """The plain files below `folder`, at most `limit`. Raises OSError where the folder itself cannot be opened."""
    root = Path(folder).resolve()
    os.scandir(root).close()
    listing = Listing(root)
    for entry in islice(_walk(str(root), listing.left_out), limit):
        status = entry.stat(follow_symlinks=False)
        name = shown(str(Path(entry.path).relative_to(root)))
        listing.files.append(File(entry.path, name, status.st_size, _stamp(status)))
    return listing


def shown(name: str) -> str:
    """The name as a terminal can show it: neither control characters nor undecodable bytes get through."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _walk(folder: str, left_out: Counter[str]) -> Iterator[os.DirEntry[str]]:
    pending = [folder]
    while pending:
        deeper = []
        for entry in _entries(pending.pop(), left_out):
            match _kind(entry):
                case stat.S_IFREG:
                    yield entry
                case stat.S_IFDIR if entry.name in PASSED_OVER:
                    left_out[entry.name] += 1
                case stat.S_IFDIR:
                    deeper.append(entry.path)
                case stat.S_IFLNK:
                    left_out["symbolic links"] += 1
                case int():
                    left_out["sockets, pipes and devices"] += 1
        pending += reversed(deeper)


def _entries(folder: str, left_out: Counter[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        left_out["folders that cannot be opened"] += 1
        return []


def _kind(entry: os.DirEntry[str]) -> int | None:
    """None where it went away just now."""
    try:
        return stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode)
    except OSError:
        return None


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
