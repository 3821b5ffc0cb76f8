"""The scene of a situation: a store on a stage, asked through the table of operations as every face asks."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

from queuemgr.app import App
from queuemgr.client import AsyncClient
from queuemgr.clock import Clock
from queuemgr.codec import Codec
from queuemgr.service.operations import table
from queuemgr.testing.clock import ManualClock
from queuemgr.testing.contract.stage import Cases, Stage

Play = Callable[["Scene"], Awaitable[None]]


@dataclass(slots=True)
class Scene:
    """`stage` does what producers and workers do; `ask` is what a person does."""

    stage: Stage
    client: AsyncClient
    app: App | None = None

    async def ask(self, name: str, **arguments: Any) -> dict[str, Any]:
        return await table.call(name, arguments, self.client, app=self.app)

    async def why(self, job_id: str) -> dict[str, Any]:
        """The answer, after a look at its form."""
        answer = await self.ask("jobs.why", job_id=job_id)
        assert answer.keys() == {"at", "job", "state", "reasons", "next", "steps", "evidence"}
        for reason in answer["reasons"]:
            assert reason.keys() == {"code", "text", "params", "details"}
            assert reason["text"]
            assert "{" not in reason["text"]
        for step in answer["steps"]:
            assert step["command"].startswith(("queuemgr ", "timedatectl"))
        return answer

    async def worker(self, worker: str = "w1", **facts: Any) -> None:
        await self.stage.join(worker, **{"queues": ("default",), "concurrency": 1, **facts})


def codes(answer: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in answer["reasons"]]


def reason(answer: dict[str, Any], code: str) -> dict[str, Any]:
    """The one of this code."""
    (found,) = [one for one in answer["reasons"] if one["code"] == code]
    return dict(found)


def commands(answer: dict[str, Any]) -> list[str]:
    return [step["command"] for step in answer["steps"]]


def scripted(play: Play) -> Callable[..., None]:
    """Plays it on a SQLite store whose clock the test turns."""

    @wraps(play)
    def run(tmp_path: Path) -> None:
        asyncio.run(asyncio.wait_for(on_stage(f"sqlite:///{tmp_path}/jobs.db", play), 30))

    run.__signature__ = _signature("tmp_path")  # type: ignore[attr-defined]
    return run


def scripted_on_every_store(play: Play) -> Callable[..., None]:
    @wraps(play)
    def run(store_url: str) -> None:
        asyncio.run(asyncio.wait_for(on_stage(store_url, play), 30))

    run.__signature__ = _signature("store_url")  # type: ignore[attr-defined]
    return run


async def on_stage(url: str, play: Play, clock: Clock | None = None) -> None:
    async with AsyncExitStack() as curtain:
        stage = Stage(Cases(), url, clock or ManualClock(), curtain)
        stage.store = store = await stage.another_store()
        await play(Scene(stage, AsyncClient(lambda: store, Codec())))


def _signature(name: str) -> inspect.Signature:
    return inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)])
