"""What the contract says of looking: one job, pages of jobs, counts, queues and workers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.errors import JobNotFound
from queuemgr.job import State
from queuemgr.outcome import SUCCEEDED
from queuemgr.store import Query

from .stage import FAILED, UNKNOWN, Cases, Stage, retry_at, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from queuemgr.job import JobRecord

FILTERS: tuple[dict[str, Any], ...] = (
    {},
    *({"states": (state,)} for state in State),
    {"states": (State.READY, State.SUCCEEDED)},
    {"states": tuple(State)},
    {"queue": "a"},
    {"task": "odd"},
    {"tag": "third"},
    {"queue": "a", "states": (State.READY,)},
    {"queue": "b", "states": (State.DEAD, State.RUNNING)},
    {"task": "even", "states": (State.SUCCEEDED,)},
    {"tag": "third", "states": (State.READY, State.DEAD)},
    {"queue": "a", "task": "even", "tag": "third"},
    {"worker": "worker", "states": (State.RUNNING,)},
    {"error": "broken"},
    {"error": "no such words"},
)


async def pages(stage: Stage, query: Query, limit: int) -> AsyncIterator[list[JobRecord]]:
    after = None
    while True:
        page = await stage.store.find(query, limit, after)
        yield page.jobs
        after = page.after
        if after is None:
            return


async def mixed(stage: Stage) -> None:
    """Jobs of two queues, two tasks and a tag in every state; what one is in follows from none of the others."""
    await stage.enqueue_ended(State.DEAD)
    # Ready jobs last: the claims that bring others into their states would take them along.
    for state in sorted(State, key=lambda state: state is State.READY):
        for number in range(6):
            job_id = await stage.enqueue(
                "odd" if number % 2 else "even",
                queue="ab"[number // 3],
                tags=("third",) if number % 3 == 0 else (),
                run_at=stage.now() + 9e9 if state is State.SCHEDULED else None,
                held=state is State.HELD,
            )
            await _bring(stage, job_id, state)


async def _bring(stage: Stage, job_id: str, state: State) -> None:
    if state is State.CANCELLED:
        await stage.change("cancel", job_id)
    elif state in (State.RUNNING, State.PARKED, State.SUCCEEDED, State.DEAD):
        (lease,) = await stage.claim(queues="ab", tasks=())
        assert lease.id == job_id
        verdict = {State.PARKED: UNKNOWN, State.SUCCEEDED: SUCCEEDED, State.DEAD: FAILED}.get(state)
        if verdict is not None:
            assert await stage.settle(lease, verdict, error={"message": "broken"} if verdict is FAILED else None)


def fits(job: JobRecord, wanted: dict[str, Any]) -> bool:
    return (
        job.state in wanted.get("states", tuple(State))
        and job.queue == wanted.get("queue", job.queue)
        and job.task == wanted.get("task", job.task)
        and wanted.get("tag") in (None, *job.tags)
        and job.worker == wanted.get("worker", job.worker)
        and wanted.get("error", "") in ((job.error or {}).get("message") or "")
    )


class FindCases(Cases):
    @pytest.mark.parametrize("wanted", FILTERS, ids=lambda wanted: "+".join(wanted) or "all")
    @staged
    async def test_a_page_holds_what_fits_and_every_page_follows_the_one_before(
        self, stage: Stage, wanted: dict[str, Any]
    ) -> None:
        await mixed(stage)
        everything = (await stage.store.find(Query(), 1000)).jobs
        assert len(everything) == 49
        expected = [job for job in everything if fits(job, wanted)]
        query = Query(**wanted)
        for limit in (1, 4, 1000):
            found = [job async for page in pages(stage, query, limit) for job in page]
            assert found == expected
        assert await stage.store.count(query) == len(expected)

    @staged
    async def test_the_newest_stand_first(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(10)
        assert [job.id for job in (await stage.store.find(Query())).jobs] == ids[::-1]

    @staged
    async def test_a_page_holds_no_more_than_its_limit(self, stage: Stage) -> None:
        await stage.enqueue_many(60)
        assert len((await stage.store.find(Query())).jobs) == 50
        assert len((await stage.store.find(Query(), 7)).jobs) == 7
        assert (await stage.store.find(Query(), 0)).jobs == []

    @staged
    async def test_the_last_page_says_that_none_follows(self, stage: Stage) -> None:
        await stage.enqueue_many(3)
        assert (await stage.store.find(Query(), 4)).after is None
        assert (await stage.store.find(Query(queue="none such"))).after is None

    @pytest.mark.parametrize("query", [Query(), Query(states=(State.READY,)), Query(queue="default"), Query(tag="tag")])
    @staged
    async def test_pages_miss_and_repeat_nothing_while_others_enqueue(self, stage: Stage, query: Query) -> None:
        ids = await stage.enqueue_many(30, tags=("tag",))
        seen: list[str] = []
        async for page in pages(stage, query, 4):
            seen += [job.id for job in page]
            await stage.enqueue_many(3, tags=("tag",))
        assert seen == ids[::-1]

    @staged
    async def test_pages_miss_no_job_that_stays_while_others_end_and_go(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(30)
        seen: list[str] = []
        async for page in pages(stage, Query(states=(State.READY,)), 5):
            seen += [job.id for job in page]
            await stage.change("delete", *seen[-2:])
        assert seen == ids[::-1]

    @staged
    async def test_jobs_are_found_by_their_ids(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(5)
        query = Query(ids=(ids[3], ids[1], "none such"))
        assert [job.id for job in (await stage.store.find(query)).jobs] == [ids[3], ids[1]]
        assert await stage.store.count(query) == 2
        assert await stage.store.count(Query(ids=(ids[3],), states=(State.DEAD,))) == 0

    @staged
    async def test_jobs_are_found_by_the_time_in_which_they_were_made(self, stage: Stage) -> None:
        ids, began = [], stage.now()
        for _ in range(5):
            ids.append(await stage.enqueue())
            stage.clock.advance(10)
        query = Query(created_after=began + 10, created_before=began + 30)
        assert [job.id for job in (await stage.store.find(query)).jobs] == [ids[2], ids[1]]
        assert await stage.store.count(query) == 2

    @staged
    async def test_a_page_shows_the_same_as_a_look_at_the_job_but_for_its_history(self, stage: Stage) -> None:
        job_id = await stage.enqueue(tags=("a",), options={"attempts": 9}, priority=4)
        await stage.run(retry_at(stage.now() + 5), error={"message": "broken"})
        (found,) = (await stage.store.find(Query())).jobs
        looked = await stage.store.get(job_id)
        assert replace(looked, attempts=()) == found
        assert len(looked.attempts) == 1


class LookCases(Cases):
    @staged
    async def test_a_job_that_never_was_is_not_found(self, stage: Stage) -> None:
        for ask in (stage.store.get, stage.store.arguments, stage.store.result, stage.store.output):
            with pytest.raises(JobNotFound, match="no such id"):
                await ask("no such id")

    @staged
    async def test_queues_tell_their_jobs_by_state_and_their_oldest_ready_one(self, stage: Stage) -> None:
        began = stage.now()
        await stage.enqueue(queue="a", run_at=began + 9e9)
        stage.clock.advance(1)
        await stage.enqueue_many(2, queue="a")
        stage.clock.advance(1)
        await stage.enqueue(queue="a")
        await stage.enqueue_ended(State.SUCCEEDED)
        await stage.enqueue_ended(State.DEAD)
        first, second = await stage.store.queues()
        assert (first.name, first.paused, first.oldest_ready) == ("a", False, began + 1)
        assert dict(first.counts) == {State.SCHEDULED: 1, State.READY: 3}
        assert (second.name, second.paused, second.oldest_ready) == ("default", False, None)
        assert dict(second.counts) == {State.SUCCEEDED: 1, State.DEAD: 1}

    @staged
    async def test_a_paused_queue_is_shown_as_paused_even_without_jobs(self, stage: Stage) -> None:
        await stage.store.pause("empty")
        assert [(queue.name, queue.paused) for queue in await stage.store.queues()] == [("empty", True)]
        await stage.store.resume("empty")
        assert await stage.store.queues() == []

    @staged
    async def test_a_worker_is_shown_as_it_joined(self, stage: Stage) -> None:
        info = await stage.join(name="häuptling", queues=("a", "b"), tasks=("x", "y"), concurrency=7)
        assert await stage.store.workers() == [info]
        assert info.tasks == ("x", "y")

    @staged
    async def test_a_worker_that_joins_again_is_shown_once(self, stage: Stage) -> None:
        await stage.join()
        again = await stage.join(concurrency=3)
        assert await stage.store.workers() == [again]

    @staged
    async def test_a_beat_is_seen_in_time_to_tell_a_silent_worker(self, stage: Stage) -> None:
        await stage.join()
        stage.clock.advance(stage.store.lease)
        await stage.store.beat("worker")
        (worker,) = await stage.store.workers()
        assert worker.beat_at == stage.now()

    @staged
    async def test_a_store_sees_at_once_what_another_has_committed(self, stage: Stage) -> None:
        other = await stage.another_store()
        for _ in range(20):
            job_id = await stage.enqueue()
            assert (await other.get(job_id)).state is State.READY
            assert await stage.change("hold", job_id) == 1
            assert (await other.get(job_id)).state is State.HELD
