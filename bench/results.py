"""How fast a large result is written and read, beside Zstandard alone on the same bytes, and what a first page costs.

`python bench/results.py [MEGABYTES]`, by default 1000. It needs that much room in the temporary folder.
"""

from __future__ import annotations

import os
import random
import resource
import string
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard

from queuemgr.codec import Codec
from queuemgr.result import Owner, Reference, Results
from queuemgr.results.files import FilePlace
from queuemgr.results.frames import FRAME, LEVEL
from queuemgr.results.keeper import ResultKeeper
from queuemgr.results.reader import StoredResult

CHUNK = 1 << 20


def rows_of(number: int) -> list[dict[str, object]]:
    """Records as a report has them, of about 170 bytes."""
    text = string.ascii_uppercase
    return [
        {
            "id": n,
            "value": random.uniform(0, 1000),
            "timestamp": 1_763_796_000 + n / 7,
            "category": random.choice("ABC"),
            "data": "".join(random.choices(text, k=100)),
        }
        for n in range(number)
    ]


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Alone:
    """Zstandard with the same level and the same frames, into one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sizes: list[int] = []

    def write(self, chunks: Iterator[bytes]) -> None:
        by = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        with self._path.open("wb") as file:
            for chunk in chunks:
                for start in range(0, len(chunk), FRAME):
                    frame = by.compress(chunk[start : start + FRAME])
                    self._sizes.append(len(frame))
                    file.write(frame)
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> None:
        by = zstandard.ZstdDecompressor()
        with self._path.open("rb") as file:
            for size in self._sizes:
                by.decompress(file.read(size))


class Ours:
    def __init__(self, folder: Path) -> None:
        self._place = FilePlace(folder)
        self._keeper = ResultKeeper(lambda: self._place, Codec(), None, Results())
        self.reference: Reference | None = None

    def write(self, chunks: Iterator[bytes] | Iterator[list[dict[str, object]]]) -> None:
        with self._keeper.writer(Owner("job", 1)) as out:
            for chunk in chunks:
                out.write(chunk) if isinstance(chunk, bytes) else out.extend(chunk)
        self.reference = Reference.read(out.result)

    def open(self) -> StoredResult:
        assert self.reference is not None
        return StoredResult(self._place.open(self.reference.digest), Codec(), expected=self.reference)

    def read(self) -> None:
        with self.open().stream() as stream:
            while stream.read(CHUNK):
                pass

    def first_page(self) -> None:
        with self.open() as result:
            result.page(0, 100)

    def info(self) -> None:
        with self.open() as result:
            result.info()

    def values(self) -> None:
        with self.open() as result:
            for _ in result.pages(1000):
                pass


def tell(name: str, megabytes: float, *seconds: float) -> None:
    speeds = " ".join(f"{megabytes / one:6.0f}" for one in (*seconds, sum(seconds)))
    print(f"{name:34} write, read, both: {speeds} MB/s")


def main(megabytes: int) -> None:
    rows = rows_of(20_000)
    lines = Codec().encode_items(rows)
    times = max(1, megabytes * 1_000_000 // len(lines))
    size = times * len(lines) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        alone = Alone(Path(folder) / "alone")
        tell("Zstandard alone", size, timed(lambda: alone.write(lines for _ in range(times))), timed(alone.read))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        plain, items = Ours(Path(folder) / "plain"), Ours(Path(folder) / "items")
        tell("bytes", size, timed(lambda: plain.write(lines for _ in range(times))), timed(plain.read))
        tell("rows, read as a stream", size, timed(lambda: items.write(rows for _ in range(times))), timed(items.read))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"rows, read as values: {size / timed(items.values):.0f} MB/s")
        print(f"info {1000 * timed(items.info):.1f} ms, first page {1000 * timed(items.first_page):.1f} ms")
        assert items.reference is not None
        print(f"{size:.0f} MB took {items.reference.stored / 1e6:.0f} MB; memory added {(peak - before) / 1000:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
