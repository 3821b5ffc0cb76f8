from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from queuemgr import App

from .rig import run

pytest.importorskip("mcp_types", reason="needs the package mcp, version 2")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A store with one job that waits and two that are dead, of the tasks shop.add and shop.fail."""
    app = App(f"sqlite:///{tmp_path}/jobs.db")

    @app.task(name="shop.add")
    def add(a: int, b: int) -> int:
        return a + b

    @app.task(name="shop.fail", attempts=1)
    def fail(order: int) -> None:
        raise ValueError(f"order {order} has no address")

    async def scene() -> None:
        for order in (1, 2):
            await fail.aenqueue(order)
        await app.worker(burst=True).run()
        await add.aenqueue(1, 2)
        await app.aio.store.close()

    run(scene)
    yield app
    app.close()
