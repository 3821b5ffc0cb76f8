"""What the contract says of handing whole jobs to another store, and of taking them over.

The other store is always the embedded one, so that a suite needs no second address.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from queuemgr.app import open_store
from queuemgr.job import State, Unique
from queuemgr.outcome import Verdict
from queuemgr.store import KEEP, KEEP_DEAD, Query, Report

from .stage import CRASHED, FAILED, UNKNOWN, Cases, Stage, retry_at, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from queuemgr.store import Snapshot, Store

ERROR = {"type": "builtins.ValueError", "message": "Straße 数 'quoted'", "traceback": "line\n" * 100}
KEY = Unique("key")


@asynccontextmanager
async def elsewhere(stage: Stage, tmp_path: Path, name: str = "elsewhere") -> AsyncIterator[Stage]:
    """An empty stage with the same clock, on which the embedded store plays."""
    store = open_store(f"sqlite:///{tmp_path}/{name}.db", stage.clock)
    try:
        yield replace(stage, store=store)
    finally:
        await store.close()


async def pages(store: Store, limit: int = 3) -> AsyncIterator[list[Snapshot]]:
    page, after = await store.dump(None, limit)
    yield page
    while after is not None:
        page, after = await store.dump(after, limit)
        yield page


async def everything(store: Store, limit: int = 100) -> list[Snapshot]:
    return [snapshot async for page in pages(store, limit) for snapshot in page]


async def hand_over(source: Stage, target: Stage) -> list[Snapshot]:
    """Everything from one store to the other; what was handed over."""
    jobs = await everything(source.store)
    assert await target.store.restore(jobs) == len(jobs)
    return jobs


async def a_job_in(stage: Stage, state: State, **fields: Any) -> str:
    """A job with all that a job in this state can have; the worker is `worker`."""
    fields = {"tags": ("a", "ü"), "options": {"attempts": 3}, "keep": 3600.0, "unique": Unique("key", 60), **fields}
    match state:
        case State.SCHEDULED:
            return await stage.enqueue(run_at=stage.now() + 60, **fields)
        case State.HELD:
            return await stage.enqueue(held=True, **fields)
        case State.CANCELLED:
            return await stage.enqueue_ended(State.CANCELLED, **fields)
        case State.READY:
            job_id = await stage.enqueue(priority=7, **fields)
            await stage.run(CRASHED, error=ERROR, exit_signal="SIGKILL", peak_memory=1 << 40)
            return job_id
    job_id = await stage.enqueue(**fields)
    await stage.run(retry_at(stage.now()), error=ERROR)
    lease = await stage.lease()
    stage.clock.advance(1)
    lines = [(stage.now(), "stdout", "one"), (stage.now(), "stderr", "two ü"), (stage.now(), "stdout", "one")]
    await stage.store.report([Report(lease, progress=40, note="half", output=lines)])
    ends: dict[State, tuple[Verdict, dict[str, Any]]] = {
        State.PARKED: (UNKNOWN, {}),
        State.SUCCEEDED: (Verdict(State.SUCCEEDED, "succeeded"), {"result": b"\0value"}),
        State.DEAD: (FAILED, {"error": ERROR}),
    }
    if state in ends:
        verdict, said = ends[state]
        assert await stage.settle(lease, verdict, **said)
    return job_id


class CopyingCases(Cases):
    @pytest.mark.parametrize("state", list(State), ids=lambda state: state.word)
    @staged
    async def test_a_dump_tells_all_that_there_is_of_a_job(self, stage: Stage, state: State) -> None:
        began = stage.now()
        job_id = await a_job_in(stage, state)
        (found,) = await everything(stage.store)
        record = await stage.store.get(job_id)
        for name in ("state", "attempt", "failures", "crashes", "started_at", "finished_at", "expires_at", "worker"):
            assert getattr(found, name) == getattr(record, name), name
        for name in ("progress", "note", "error", "attempts"):
            assert getattr(found, name) == getattr(record, name), name
        for name in ("id", "task", "queue", "priority", "created_at", "run_at", "tags", "options"):
            assert getattr(found.job, name) == getattr(record, name), name
        assert (found.job.args, found.job.keep, found.job.unique) == (b"[[]]", 3600, KEY)
        assert (found.job.delay, found.job.held, found.job.at_most_once, found.job.crash_budget) == (
            None,
            False,
            False,
            3,
        )
        assert found.result == await stage.store.result(job_id)
        assert (found.holds_key, found.unique_until) == (True, began + 60)
        output = await stage.store.output(job_id)
        assert [(line.attempt, line.at, line.stream, line.text) for line in found.output] == [
            (line.attempt, line.at, line.stream, line.text) for line in output
        ]
        assert [line.position for line in found.output] == list(range(1, len(output) + 1))

    @staged
    async def test_a_dump_of_a_plain_job_has_nothing_in_it(self, stage: Stage) -> None:
        job = stage.job(at_most_once=True, crash_budget=9)
        await stage.store.enqueue([job])
        (found,) = await everything(stage.store)
        assert found.job == job
        assert (found.state, found.attempt, found.cancel, found.holds_key) == (State.READY, 0, False, False)
        assert (found.attempts, found.output, found.error, found.result) == ((), (), None, None)

    @staged
    async def test_a_dump_tells_a_delay_as_its_moment(self, stage: Stage) -> None:
        await stage.enqueue(delay=60)
        (found,) = await everything(stage.store)
        assert (found.state, found.job.run_at, found.job.delay) == (State.SCHEDULED, stage.now() + 60, None)

    @pytest.mark.parametrize("state", list(State), ids=lambda state: state.word)
    @staged
    async def test_what_is_taken_over_is_dumped_again_as_it_was(
        self, stage: Stage, tmp_path: Path, state: State
    ) -> None:
        async with elsewhere(stage, tmp_path) as source:
            await a_job_in(source, state)
            (taken,) = await hand_over(source, stage)
        (found,) = await everything(stage.store)
        assert found == taken.at_rest(stage.now())

    @pytest.mark.parametrize("state", list(State), ids=lambda state: state.word)
    @staged
    async def test_what_is_handed_over_arrives_elsewhere_as_it_was(
        self, stage: Stage, tmp_path: Path, state: State
    ) -> None:
        await a_job_in(stage, state)
        async with elsewhere(stage, tmp_path) as target:
            (given,) = await hand_over(stage, target)
            assert await everything(target.store) == [given.at_rest(stage.now())]

    @staged
    async def test_a_dump_changes_nothing(self, stage: Stage) -> None:
        for state in (State.DEAD, State.RUNNING):
            await a_job_in(stage, state, unique=None)
        stage.clock.advance(3600)
        before = await stage.store.find(Query())
        assert await everything(stage.store) == await everything(stage.store)
        assert await stage.store.find(Query()) == before

    @staged
    async def test_pages_follow_one_another_without_gap_or_repeat_while_jobs_arrive(self, stage: Stage) -> None:
        there = await stage.enqueue_many(10)
        arrived: list[str] = []
        seen: list[str] = []
        async for page in pages(stage.store, 3):
            assert len(page) <= 3
            seen += [snapshot.job.id for snapshot in page]
            if len(arrived) < 4:
                arrived.append(await stage.enqueue())
        assert seen == there + arrived

    @staged
    async def test_an_empty_store_has_nothing_to_hand_over(self, stage: Stage) -> None:
        assert await everything(stage.store) == []
        assert await stage.store.restore([]) == 0

    @staged
    async def test_a_running_job_is_ready_where_it_is_taken_over(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            job_id = await source.enqueue()
            await source.lease()
            stage.clock.advance(5)
            await hand_over(source, stage)
        record = await stage.store.get(job_id)
        assert (record.state, record.attempt, record.crashes, record.worker) == (State.READY, 1, 0, None)
        (attempt,) = record.attempts
        assert (attempt.number, attempt.outcome, attempt.duration) == (1, "given back", 5)
        lease = await stage.lease()
        assert (lease.id, lease.attempt) == (job_id, 2)

    @staged
    async def test_a_running_job_that_runs_at_most_once_does_not_run_again(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            job_id = await source.enqueue(at_most_once=True, unique=KEY)
            await source.lease()
            await hand_over(source, stage)
        record = await stage.store.get(job_id)
        assert (record.state, record.finished_at) == (State.DEAD, stage.now())
        assert record.expires_at == stage.now() + KEEP_DEAD
        assert await stage.claim() == []
        assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY

    @staged
    async def test_a_running_job_that_somebody_wants_cancelled_is_cancelled(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            job_id = await source.enqueue()
            await source.lease()
            await source.change("cancel", job_id)
            await hand_over(source, stage)
        record = await stage.store.get(job_id)
        assert (record.state, record.expires_at) == (State.CANCELLED, stage.now() + KEEP)
        assert await stage.claim() == []

    @staged
    async def test_jobs_that_are_here_already_are_left_alone(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            done = [await a_job_in(source, state, unique=None) for state in (State.SUCCEEDED, State.DEAD, State.HELD)]
            jobs = await everything(source.store)
        assert await stage.store.restore(jobs[:2]) == 2
        await stage.change("retry", done[0])
        before = await stage.store.get(done[0])
        assert await stage.store.restore(jobs) == 1
        assert await stage.store.get(done[0]) == before
        assert await stage.store.restore(jobs) == 0
        assert await stage.store.count(Query()) == 3
        for job_id in done:
            assert len(await stage.store.output(job_id)) == len(
                next(job.output for job in jobs if job.job.id == job_id)
            )

    @staged
    async def test_a_job_that_comes_twice_in_one_call_is_taken_over_once(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            await a_job_in(source, State.DEAD)
            (job,) = await everything(source.store)
        assert await stage.store.restore([job, job]) == 1
        assert await everything(stage.store) == [job]

    @staged
    async def test_large_jobs_are_handed_over_and_taken_over(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            for _ in range(5):
                await source.enqueue(args=bytes(range(256)) * 4096)
                await source.run(result=bytes(4_000_000))
            jobs = await hand_over(source, stage)
        assert await everything(stage.store) == jobs
        assert [len(job.result or b"") for job in jobs] == [4_000_000] * 5

    @staged
    async def test_a_snapshot_travels_as_bytes(self, stage: Stage) -> None:
        for state in (State.DEAD, State.SUCCEEDED):
            await a_job_in(stage, state, unique=None)
        jobs = await everything(stage.store)
        packed = msgspec.msgpack.encode(jobs)
        assert msgspec.msgpack.decode(packed, type=list[type(jobs[0])]) == jobs  # type: ignore[misc]
