"""`jobs.rerun`: the same request once more, with its options, and never with dots in the place of a secret."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App, Secret
from queuemgr.clock import SystemClock
from queuemgr.errors import BadArguments, JobExists, UnknownOption
from queuemgr.job import State, Unique
from queuemgr.service.failures import Misused, NotAllowed
from queuemgr.testing.contract.stage import FAILED

from .scene import Scene, on_stage, scripted, scripted_on_every_store


@scripted_on_every_store
async def test_a_job_is_enqueued_again_with_all_that_was_asked_for(scene: Scene) -> None:
    await scene.stage.enqueue()
    asked = {
        "args": b'[["a"],{"b":1}]',
        "queue": "mail",
        "priority": 7,
        "keep": 99.0,
        "at_most_once": True,
        "crash_budget": 5,
        "tags": ("x",),
        "options": {"timeout": 5.0},
    }
    job = await scene.stage.enqueue(**asked, delay=50.0)
    await scene.stage.enqueue()
    answer = await scene.ask("jobs.rerun", job_id=job)
    assert (answer["of"], answer["existing"], answer["job"]["state"]) == (job, False, "ready")
    assert answer["id"] != job
    snapshots, _ = await scene.stage.store.dump(None, 10)
    made = next(one.job for one in snapshots if one.job.id == answer["id"])
    assert {name: getattr(made, name) for name in asked} == asked
    assert await scene.stage.state(job) is State.SCHEDULED


@scripted_on_every_store
async def test_arguments_can_be_edited_in_part(scene: Scene) -> None:
    job = await scene.stage.enqueue(args=b'[["a"],{"b":1,"day":{"$":"date","v":"2026-12-01"}}]')
    told = await scene.ask("jobs.arguments", job_id=job)
    named = told["named"] | {"b": 2}
    new = (await scene.ask("jobs.rerun", job_id=job, named=named))["id"]
    assert await scene.stage.store.arguments(new) == b'[["a"],{"b":2,"day":{"$":"date","v":"2026-12-01"}}]'
    other = (await scene.ask("jobs.rerun", job_id=job, positional=["z"], named={}))["id"]
    assert await scene.stage.store.arguments(other) == b'[["z"]]'


@scripted
async def test_options_can_be_changed_and_wrong_ones_are_refused(scene: Scene) -> None:
    job = await scene.stage.enqueue(options={"timeout": 5.0, "attempts": 2})
    options = {"timeout": 60.0, "queue": "slow", "priority": 2, "delay": 30.0}
    made = (await scene.ask("jobs.rerun", job_id=job, options=options))["job"]
    assert (made["queue"], made["priority"], made["state"]) == ("slow", 2, "scheduled")
    assert made["options"] == {"timeout": 60.0, "attempts": 2}
    with pytest.raises(Misused, match="another unique"):
        await scene.ask("jobs.rerun", job_id=job, options={"unique": "x"})
    with pytest.raises((Misused, UnknownOption), match="priorty"):
        await scene.ask("jobs.rerun", job_id=job, options={"priorty": 1})


@scripted
async def test_a_secret_that_was_shown_as_dots_cannot_be_sent_back(scene: Scene) -> None:
    data = b'[[{"$":"secret","v":"4111"}, 1]]'
    job = await scene.stage.enqueue(args=data)
    told = await scene.ask("jobs.arguments", job_id=job)
    with pytest.raises(NotAllowed, match="hold a secret") as refused:
        await scene.ask("jobs.rerun", job_id=job, positional=[told["positional"][0], 2])
    assert "unchanged" in refused.value.hint
    same = (await scene.ask("jobs.rerun", job_id=job))["id"]
    assert await scene.stage.store.arguments(same) == data


@scripted
async def test_a_unique_key_keeps_out_a_second_one_and_follows_edited_arguments(scene: Scene) -> None:
    from queuemgr.service.operations.rerunning import _key

    data = b'[["a"]]'
    job = await scene.stage.enqueue(args=data, unique=Unique(_key("task", data)))
    with pytest.raises(JobExists):
        await scene.ask("jobs.rerun", job_id=job)
    edited = (await scene.ask("jobs.rerun", job_id=job, positional=["b"]))["job"]
    assert edited["unique_key"] == _key("task", b'[["b"]]')
    named = await scene.stage.enqueue(unique=Unique("mine"))
    await scene.client.cancel(named)
    again = (await scene.ask("jobs.rerun", job_id=named, positional=["c"]))["job"]
    assert again["unique_key"] == "mine"


@scripted
async def test_arguments_that_cannot_be_read_must_be_given_whole(scene: Scene) -> None:
    job = await scene.stage.enqueue(args=b"[oh")
    await scene.stage.run(FAILED)
    with pytest.raises(NotAllowed, match="give all of them"):
        await scene.ask("jobs.rerun", job_id=job, named={"a": 1})
    new = (await scene.ask("jobs.rerun", job_id=job, positional=[], named={"a": 1}))["id"]
    assert await scene.stage.store.arguments(new) == b'[[],{"a":1}]'


@pytest.mark.parametrize("form", ["json", "msgpack"])
def test_what_was_edited_reaches_the_task_as_it_would_from_the_program(tmp_path: Path, form: str) -> None:
    app = App(f"sqlite:///{tmp_path}/jobs.db", format=form)
    seen: list[Any] = []

    @app.task(name="keep")
    def keep(number: int, data: bytes, secret: Secret[str] | None = None) -> None:
        seen.append((number, data, secret and secret.reveal()))

    async def play(scene: Scene) -> None:
        scene.app = app
        scene.client = app.aio
        job = (await keep.aenqueue(1, b"raw", Secret("s"))).id
        plain = (await keep.aenqueue(2, b"raw")).id
        told = await scene.ask("jobs.arguments", job_id=plain)
        await scene.ask("jobs.rerun", job_id=plain, positional=[3, told["positional"][1]])
        await scene.ask("jobs.rerun", job_id=job)
        with pytest.raises(BadArguments, match="number must be int"):
            await scene.ask("jobs.rerun", job_id=plain, positional=["x", told["positional"][1]])
        await app.worker(burst=True, concurrency=1).run()
        await app.aio.store.close()
        assert sorted(map(repr, seen)) == [
            "(1, b'raw', 's')",
            "(1, b'raw', 's')",
            "(2, b'raw', None)",
            "(3, b'raw', None)",
        ]

    asyncio.run(on_stage(app.url, play, SystemClock()))
    app.close()
