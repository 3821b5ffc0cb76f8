"""Unites what the jobs found, and what the same files hold when they are read directly. It prints nothing."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from queuemgr.errors import JobError, ResultTimeout, UndecodableError

from .reading import HASH, read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from queuemgr.client import Client

    from .folder import File
    from .plan import Planned
    from .reading import Reading

LARGEST = 10


@dataclass(frozen=True, slots=True)
class Large:
    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What all files come to. `fingerprint` sums up all names and contents; `unreadable` files count nowhere else."""

    files: int
    bytes: int
    compressed: int
    words: int
    distinct_words: int
    fingerprint: str
    largest: tuple[Large, ...]
    unreadable: tuple[str, ...]


class Tally:
    """Takes one reading after the other."""

    def __init__(self) -> None:
        self._files = self._bytes = self._compressed = self._words = 0
        self._vocabulary: set[bytes] = set()
        self._fingerprints: list[str] = []
        self._largest: list[tuple[int, str]] = []
        self._unreadable: list[str] = []

    def add(self, name: str, reading: Reading | None) -> None:
        """None is a file that could not be read."""
        if reading is None:
            self._unreadable.append(name)
            return
        self._files += 1
        self._bytes += reading.size
        self._compressed += reading.compressed
        self._words += reading.words
        hashes = reading.vocabulary
        self._vocabulary.update(hashes[start : start + HASH] for start in range(0, len(hashes), HASH))
        self._fingerprints.append(f"{name} {reading.sha256}")
        heapq.heappush(self._largest, (reading.size, name))
        if len(self._largest) > LARGEST:
            heapq.heappop(self._largest)

    def totals(self) -> Totals:
        return Totals(
            files=self._files,
            bytes=self._bytes,
            compressed=self._compressed,
            words=self._words,
            distinct_words=len(self._vocabulary),
            fingerprint=sha256("\n".join(sorted(self._fingerprints)).encode()).hexdigest(),
            largest=tuple(Large(name, size) for size, name in sorted(self._largest, reverse=True)),
            unreadable=tuple(sorted(self._unreadable)),
        )


@dataclass(slots=True)
class Checked:
    """A `different` file would be an error of queuemgr; a `changed` one changed meanwhile and counts nowhere."""

    by_jobs: Tally = field(default_factory=Tally)
    directly: Tally = field(default_factory=Tally)
    different: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not self.different and self.by_jobs.totals() == self.directly.totals()

    def add(self, file: File, found: Reading | None) -> None:
        direct = _read(file)
        if found != direct and file.changed():
            self.changed.append(file.name)
            return
        if found != direct:
            self.different.append(file.name)
        self.by_jobs.add(file.name, found)
        self.directly.add(file.name, direct)


def check(client: Client, jobs: Iterable[Planned], tell: Callable[[int, int], None]) -> Checked:
    """Read every file here and now, and compare. `tell` is told how many of how many were. Raises StoreError."""
    checked = Checked()
    to_read = [(one.call.job.id, one.file) for one in jobs if one.file is not None]
    for done, (job_id, file) in enumerate(to_read, 1):
        checked.add(file, _result(client, job_id))
        tell(done, len(to_read))
    return checked


def _result(client: Client, job_id: str) -> Reading | None:
    try:
        found: Reading = client.handle(job_id).result(timeout=0)
    except (JobError, ResultTimeout, UndecodableError):
        return None
    return found


def _read(file: File) -> Reading | None:
    try:
        return read_file(file.argument)
    except OSError:
        return None
