"""A store that keeps less, Laravel's: what it knows is told, what it lacks is refused in a sentence."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from queuemgr import App
from queuemgr.client import AsyncClient
from queuemgr.clock import SystemClock
from queuemgr.errors import Unsupported
from queuemgr.service.failures import NotAllowed
from queuemgr.service.operations import table


def test_a_job_of_laravels_says_why_it_waits_and_cannot_be_copied(redis_url: str) -> None:
    parts = urlsplit(redis_url)
    app = App(f"laravel+redis://{parts.netloc}{parts.path}?{parts.query}_database_", clock=SystemClock())

    @app.task(name="send")
    def send(to: str) -> None: ...

    client: AsyncClient = app.aio

    async def ask(name: str, **arguments: Any) -> dict[str, Any]:
        return await table.call(name, arguments, client)

    async def play() -> None:
        job = (await send.aenqueue(to="ann")).id
        answer = await ask("jobs.why", job_id=job)
        assert [reason["code"] for reason in answer["reasons"]] == ["no_worker"]
        assert (await ask("jobs.arguments", job_id=job))["named"] == {"to": "ann"}
        assert [one["id"] for one in (await ask("jobs.list", search="args.to:ann"))["jobs"]] == [job]
        with pytest.raises(NotAllowed, match="cannot be made again with its options"):
            await ask("jobs.rerun", job_id=job)
        with pytest.raises(Unsupported, match="keeps no output"):
            await ask("jobs.output", job_id=job)
        await client.store.close()

    asyncio.run(play())
    app.close()
