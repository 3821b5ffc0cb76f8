"""`python -m tests.random --runs 100000 --seed 7`: as many runs as one likes, and the first that fails, shortened."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from .runs import LENGTH, run, shorten
from .world import World


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.random", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="how many runs, each with the seed after the last one's")
    parser.add_argument("--seed", type=int, default=0, help="the first run's seed")
    parser.add_argument("--length", type=int, default=LENGTH, help="operations in a run")
    options = parser.parse_args()
    shared_memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared_memory if shared_memory.is_dir() else None) as folder:
        world = World(Path(folder) / "random.db")
        began = time.monotonic()
        for seed in range(options.seed, options.seed + options.runs):
            failure = run(world, seed, options.length)
            if failure is not None:
                sys.stdout.write(f"{shorten(world, failure)}\n")
                return 1
        world.close()
    sys.stdout.write(f"{options.runs} runs, none failed, {time.monotonic() - began:.1f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
