"""How fast a large result is written and read, beside Zstandard alone on the same bytes, and what a first page costs.

`python bench/results.py [MEGABYTES] [--rounds 3]`, by default 1000. In each round every side has its turn, by the clock
and by the processor, whose time tells more where others use the machine, too. It needs that much room in the temporary
folder, and measures no store.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import string
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Protocol

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


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, those of the processor for all threads together."""

    clock: float
    processor: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.clock + other.clock, self.processor + other.processor)


def timed(work: Callable[[], object]) -> Cost:
    began, spent = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - began, time.process_time() - spent)


class Side(Protocol):
    def write(self, chunks: Iterator[bytes]) -> None: ...

    def read(self) -> None: ...


class Alone:
    """Zstandard with the same level and the same frames, into one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sizes: list[int] = []

    def write(self, chunks: Iterator[bytes]) -> None:
        self._sizes.clear()
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


class Rows(Ours):
    """The same bytes, but encoded from rows while they are written."""

    def __init__(self, folder: Path, rows: list[dict[str, object]]) -> None:
        super().__init__(folder)
        self._rows = rows

    def write(self, chunks: Iterator[bytes] | Iterator[list[dict[str, object]]]) -> None:
        super().write(self._rows for _ in chunks)


class Encoded(Alone):
    """What Rows does, by the codec and Zstandard alone."""

    def __init__(self, path: Path, rows: list[dict[str, object]]) -> None:
        super().__init__(path)
        self._rows = rows

    def write(self, chunks: Iterator[bytes]) -> None:
        codec = Codec()
        super().write(codec.encode_items(self._rows) for _ in chunks)


ALONE, BYTES, ENCODED, ROWS = "Zstandard alone", "bytes", "encoding and Zstandard", "rows, read as a stream"
BESIDE = {ALONE: ALONE, BYTES: ALONE, ENCODED: ENCODED, ROWS: ENCODED}
"""What each side is compared with."""

Costs = dict[str, list[tuple[Cost, Cost]]]


def tell(name: str, megabytes: float, costs: list[tuple[Cost, Cost]], beside: list[tuple[Cost, Cost]]) -> None:
    """Medians: megabytes a second, and how many times as fast as the other side that is."""
    for word in ("clock", "processor"):
        parts = [[getattr(one, word) for one in (*pair, pair[0] + pair[1])] for pair in costs]
        others = [[getattr(one, word) for one in (*pair, pair[0] + pair[1])] for pair in beside]
        speeds = [megabytes / statistics.median(column) for column in zip(*parts, strict=True)]
        times = [megabytes / statistics.median(column) for column in zip(*others, strict=True)]
        told = "  ".join(f"{one:5.0f} ({one / other:4.2f})" for one, other in zip(speeds, times, strict=True))
        print(f"{name:24} {word:10} write, read, both: {told} MB/s")


def measure(rows: list[dict[str, object]], times: int, costs: Costs) -> tuple[Rows, int, list[Cost]]:
    """A round; what of its rows is looked at afterwards, and the memory that our sides added, in KiB."""
    lines = Codec().encode_items(rows)
    added = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        items = Rows(folder / "items", rows)
        alone, encoded = Alone(folder / "alone"), Encoded(folder / "encoded", rows)
        sides: dict[str, Side] = {ALONE: alone, BYTES: Ours(folder / "plain"), ENCODED: encoded, ROWS: items}
        for what, side in sides.items():
            before = peak()
            written = timed(partial(side.write, repeat(lines, times)))
            costs.setdefault(what, []).append((written, timed(side.read)))
            added += 0 if isinstance(side, Alone) else peak() - before
        return items, added, [timed(work) for work in (items.values, items.info, items.first_page)]


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(megabytes: int, rounds: int) -> None:
    rows = rows_of(20_000)
    size = len(Codec().encode_items(rows))
    times = max(1, megabytes * 1_000_000 // size)
    whole = times * size / 1e6
    costs: Costs = {}
    told = [measure(rows, times, costs) for _ in range(rounds)]
    for name, found in costs.items():
        tell(name, whole, found, costs[BESIDE[name]])
    items, _, looks = told[-1]
    values, info, page = (one.clock for one in looks)
    print(f"rows, read as values: {whole / values:.0f} MB/s; info {info * 1e3:.1f} ms, first page {page * 1e3:.1f} ms")
    assert items.reference is not None
    added = sum(more for _, more, _ in told) / 1000
    print(f"{whole:.0f} MB took {items.reference.stored / 1e6:.0f} MB; memory added {added:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", type=int, nargs="?", default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    main(chosen.megabytes, chosen.rounds)
