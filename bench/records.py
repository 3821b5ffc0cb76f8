"""How soon the service answers where its registry has a million old records, and where it has none.

`python bench/records.py [--rounds 5] [--records 1000000]`. The time is from the start of its process to the answer that
tells of one job. What it reads of the old ones afterwards, in the background, is not measured.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

from crew import scratch
from rounds import Row, in_turn, show
from service import Service
ROWS = [Row("from its start to an answer", "old", "young")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=1_000_000)
    chosen = parser.parse_args()
    with scratch() as folder:
        young, old = folder / "young", folder / "old"
        for place in (young, old):
            place.mkdir()
            begin(place)
        grow(old / "registry.jsonl", chosen.records)
        sides = {"old": partial(answer, old), "young": partial(answer, young)}
        samples = in_turn(sides, chosen.rounds)
        show(f"{chosen.records:,} old records (ours), none (bare)", ROWS, samples, "ms")


def begin(folder: Path) -> None:
    """A service that has seen one job through."""
    service = Service(folder)
    service.add("first")
    service.start("first")
    service.wait("first")
    service.close()


def grow(registry: Path, records: int) -> None:
    last = registry.read_text().splitlines()[-1]
    with registry.open("a") as file:
        file.writelines(last.replace('"first"', f'"old{number}"') + "\n" for number in range(records))


def answer(folder: Path) -> float:
    began = time.perf_counter()
    service = Service(folder)
    record = service.caller.call("job.get", {"job_id": "first"})
    took = (time.perf_counter() - began) * 1e3
    service.close()
    assert record["status"] == "COMPLETED", record
    return took


if __name__ == "__main__":
    main()
