"""How soon the service answers on a registry with a million old records, which it has never seen, and on a new one.

`python bench/records.py [--rounds 5] [--records 1000000]`. The time is from the start of its process to the answer that
a job has been added. What it reads of the old records afterwards, in the background, is not measured.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from crew import scratch
from rounds import Row, in_turn, show
from service import Service

ROWS = [Row("from its start to an answer", "old", "new")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=1_000_000)
    chosen = parser.parse_args()
    with scratch() as folder:
        old = folder / "old.jsonl"
        old.write_text("".join(records(folder / "first", chosen.records)))
        places = (folder / str(number) for number in count())
        sides = {"old": partial(answer, places, old), "new": partial(answer, places)}
        samples = in_turn(sides, chosen.rounds)
        show(f"{chosen.records:,} old records (ours), none (bare)", ROWS, samples, "ms")


def records(folder: Path, number: int) -> Iterator[str]:
    """The last line of one that has ended, and again under other names."""
    with serving(folder) as service:
        service.add("first")
        service.start("first")
        service.wait("first")
    last = (folder / "registry.jsonl").read_text().splitlines()[-1]
    return (last.replace('"first"', f'"old{one}"') + "\n" for one in range(number))


def answer(places: Iterator[Path], registry: Path | None = None) -> float:
    """Milliseconds."""
    folder = next(places)
    folder.mkdir()
    if registry is not None:
        shutil.copy(registry, folder / "registry.jsonl")
    began = time.perf_counter()
    with serving(folder) as service:
        service.add("next")
        took = (time.perf_counter() - began) * 1e3
    shutil.rmtree(folder)
    return took


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    folder.mkdir(exist_ok=True)
    service = Service(folder)
    try:
        yield service
    finally:
        service.close()


if __name__ == "__main__":
    main()
