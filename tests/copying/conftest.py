"""Pairs of empty stores, of every kind that there is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import TypeVar

import pytest

from queuemgr.app import STORES, open_store
from queuemgr.client import AsyncClient
from queuemgr.codec import Codec
from queuemgr.service.facts import Facts
from queuemgr.service.operations.copying import copy_store
from queuemgr.store import Store

T = TypeVar("T")
PAGE = 20
KINDS = [kind for kind in ("sqlite", "redis", "postgresql") if kind in STORES]
PAIRS = [("sqlite", "sqlite"), *permutations(KINDS, 2)]
FIXTURES = {"redis": "redis_url", "postgresql": "emptied_postgres_url"}


@dataclass(frozen=True, slots=True)
class Pair:
    """The addresses of two empty stores."""

    source: str
    target: str

    def run(self, work: Callable[[Store, Store], Awaitable[T]]) -> T:
        """Do `work` on both, opened anew."""

        async def inside() -> T:
            source, target = open_store(self.source), open_store(self.target)
            try:
                return await work(source, target)
            finally:
                await source.close()
                await target.close()

        return asyncio.run(inside())

    def copy(self) -> Facts:
        return self.run(copied)


async def copied(source: Store, target: Store) -> Facts:
    here, there = AsyncClient(lambda: source, Codec()), AsyncClient(lambda: target, Codec())
    return await copy_store(here, there, lambda doing, done, total: None)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few jobs are many pages."""
    monkeypatch.setattr("queuemgr.service.operations.copying.PAGE", PAGE)
    monkeypatch.setattr("queuemgr.service.operations.comparing.PAGE", 30)


@pytest.fixture
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str, str], str]:
    """An empty store of a kind; of a server's kinds there is one for each test."""

    def make(kind: str, name: str) -> str:
        return str(request.getfixturevalue(FIXTURES[kind])) if kind in FIXTURES else f"sqlite:///{tmp_path}/{name}.db"

    return make


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest, make_url: Callable[[str, str], str]) -> Pair:
    source, target = request.param
    return Pair(make_url(source, "source"), make_url(target, "target"))


@pytest.fixture
def files(make_url: Callable[[str, str], str]) -> Pair:
    return Pair(make_url("sqlite", "source"), make_url("sqlite", "target"))
