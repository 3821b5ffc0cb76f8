"""Two thousand seeded random runs against the real stores. More of them: `python -m tests.random --runs 100000`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .runs import operations_of, run, shorten, trace_of
from .world import World
from .worlds import world_at

SEEDS = {"sqlite": (16, 118), "redis": (4, 20), "postgres": (4, 8)}
CHUNKS = [(store, range(size * n, size * (n + 1))) for store, (number, size) in SEEDS.items() for n in range(number)]


@pytest.fixture
def world(store_url: str) -> Iterator[World]:
    with world_at(store_url) as world:
        yield world


@pytest.mark.slow
@pytest.mark.parametrize(("store_url", "seeds"), CHUNKS, indirect=["store_url"], ids=str)
def test_no_random_run_breaks_the_contract(world: World, seeds: range) -> None:
    for seed in seeds:
        failure = run(world, seed)
        assert failure is None, f"{shorten(world, failure)}\nfor more: python -m tests.random --seed {seed} --runs 1"


def test_a_run_is_the_same_each_time_that_its_seed_is_used(world: World) -> None:
    assert trace_of(world, operations_of(11)) == trace_of(world, operations_of(11))
