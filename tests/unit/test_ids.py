"""Ids that a process makes in all its threads: each is made once, and they are in the order of their making."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from queuemgr.job import new_id, new_ids, next_order, order_of

THREADS, TIMES = 4, 3000
FORKED = """
import os
from queuemgr import job

with job._turn:
    if not (pid := os.fork()):
        os._exit(0 if job.new_id() else 1)
assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.fixture
def in_haste() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("in_haste")
def test_no_number_is_given_to_two_threads() -> None:
    def take(_: int) -> list[range]:
        return [range(first := next_order(count=3), first + 3) for _ in range(TIMES)]

    with ThreadPoolExecutor(THREADS) as pool:
        by_thread = list(pool.map(take, range(THREADS)))
    assert all(one[-1] < other[0] for ranges in by_thread for one, other in pairwise(ranges))
    numbers = [number for ranges in by_thread for numbers in ranges for number in numbers]
    assert len(numbers) == len(set(numbers)) == 3 * THREADS * TIMES


def test_ids_sort_by_their_making() -> None:
    made = [new_id(), *new_ids(10)[1], new_id()]
    assert made == sorted(made)
    orders = [order_of(one) for one in made]
    assert orders == sorted(set(orders), key=orders.index)


def test_a_process_that_was_forked_in_the_midst_of_it_makes_ids() -> None:
    subprocess.run([sys.executable, "-c", FORKED], timeout=60, check=True)
