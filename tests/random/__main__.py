"""`python -m tests.random --store redis --runs 9999`: as many runs as one likes, and what fails first, shortened."""

from __future__ import annotations

import argparse
import sys
import time

from .runs import LENGTH, run, shorten
from .worlds import place_for, world_at


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.random", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="how many runs, each with the seed after the last one's")
    parser.add_argument("--seed", type=int, default=0, help="the first run's seed")
    parser.add_argument("--length", type=int, default=LENGTH, help="operations in a run")
    parser.add_argument("--store", choices=("sqlite", "redis", "postgres"), default="sqlite")
    options = parser.parse_args()
    with place_for(options.store) as url, world_at(url) as world:
        began = time.monotonic()
        for seed in range(options.seed, options.seed + options.runs):
            failure = run(world, seed, options.length)
            if failure is not None:
                sys.stdout.write(f"{shorten(world, failure)}\n")
                return 1
    sys.stdout.write(f"{options.runs} runs, none failed, {time.monotonic() - began:.1f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
