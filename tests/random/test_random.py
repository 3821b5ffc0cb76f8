"""Seeded random runs against the real store. More of them: `python -m tests.random --runs 100000`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .runs import operations_of, run, shorten, trace_of
from .world import World

CHUNK = 125
CHUNKS = 16


@pytest.fixture
def world() -> Iterator[World]:
    shared_memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared_memory if shared_memory.is_dir() else None) as folder:
        world = World(Path(folder) / "random.db")
        try:
            yield world
        finally:
            world.close()


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_random_run_breaks_the_contract(world: World, chunk: int) -> None:
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        failure = run(world, seed)
        assert failure is None, f"{shorten(world, failure)}\nfor more: python -m tests.random --seed {seed} --runs 1"


def test_a_run_is_the_same_each_time_that_its_seed_is_used(world: World) -> None:
    assert trace_of(world, operations_of(11)) == trace_of(world, operations_of(11))
