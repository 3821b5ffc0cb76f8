"""Whether a process lives and is of use, as orchestrators ask."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from queuemgr import __version__
from queuemgr.client import AsyncClient
from queuemgr.codec import Codec
from queuemgr.errors import StoreUnavailable
from queuemgr.liveness import birth_of, this_host
from queuemgr.service.observe.health import healthy, ready
from queuemgr.store import WorkerInfo
from tests.observe.rig import Stage, staged


def test_whoever_answers_is_healthy() -> None:
    assert healthy() == {"healthy": True, "version": __version__}


@pytest.mark.parametrize(("workers", "is_ready"), [(False, True), (True, False)])
def test_a_store_without_workers_is_ready_unless_workers_are_asked_for(
    tmp_path: Path, workers: bool, is_ready: bool
) -> None:
    async def scene(stage: Stage) -> None:
        told = await ready(stage.client, workers=workers)
        assert told["ready"] is is_ready
        assert [(check["name"], check["ok"]) for check in told["checks"]] == [("store", True), ("workers", False)]

    staged(tmp_path, scene)


def test_a_worker_that_lives_makes_it_ready(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        pid = os.getpid()
        await stage.store.join(WorkerInfo(id="w", host=this_host(), pid=pid, birth=birth_of(pid) or 0, concurrency=1))
        assert (await ready(stage.client, workers=True))["ready"] is True

    staged(tmp_path, scene)


@pytest.mark.parametrize("becomes", ["was taken away", "was replaced by another"])
def test_a_store_whose_file_is_another_or_gone_is_not_ready(tmp_path: Path, becomes: str) -> None:
    async def scene(stage: Stage) -> None:
        assert (await ready(stage.client))["ready"] is True
        path = stage.store.path
        path.rename(tmp_path / "kept.db")
        if becomes == "was replaced by another":
            path.write_bytes((tmp_path / "kept.db").read_bytes())
        (check,) = (await ready(stage.client))["checks"]
        assert (check["name"], check["ok"]) == ("store", False)
        assert f"the file {path} {becomes}" in check["detail"]
        (tmp_path / "kept.db").rename(path)
        assert (await ready(stage.client))["ready"] is True

    staged(tmp_path, scene)


class Silent:
    """A store that is not there, or never answers."""

    def __init__(self, stage: Stage, error: Exception | None) -> None:
        self.clock = stage.clock
        self.error = error

    async def workers(self) -> list[Any]:
        if self.error is None:
            await asyncio.Event().wait()
        assert self.error is not None
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"), [(StoreUnavailable("it is away"), "it is away"), (None, "it did not answer within 0.05 s")]
)
def test_a_store_that_does_not_answer_makes_it_not_ready(tmp_path: Path, error: Exception | None, told: str) -> None:
    async def scene(stage: Stage) -> None:
        client = AsyncClient(lambda: Silent(stage, error), Codec())  # type: ignore[arg-type,return-value]
        answer = await ready(client, patience=0.05)
        assert answer["ready"] is False
        assert answer["checks"] == [{"name": "store", "ok": False, "required": True, "detail": told}]

    staged(tmp_path, scene)
