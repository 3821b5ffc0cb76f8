"""What the contract says of enqueueing. Unique keys have a file of their own."""

from __future__ import annotations

from uuid import uuid4

import pytest

from queuemgr.errors import JobExists
from queuemgr.job import State, Unique
from queuemgr.store import Query

from .stage import Cases, Stage, staged

NAMES = ("plain", "name with blanks", "Grüße-наука-数学-🎈", "quote'\"--;%_", "x" * 200, "ü" * 200)

IDS = {
    "texts": ["x", "", "Grüße 数 🎈", "'--", "7" * 36, "x" * 500],
    "uuid4": [str(uuid4()) for _ in range(100)],
    "uuid7 of the same instant": [f"01a2019e-e4e1-79af-b524-{n:012x}" for n in range(150)],
    "uuid7 of one counter": [
        f"01a2019e-e4e1-7{n >> 9:03x}-{0x8000 | (n & 0x1FF) << 5:04x}-{n:012x}" for n in range(150)
    ],
    "uuid7 of other centuries": ["00000000-0000-7000-8000-000000000000", "3fffffff-ffff-7fff-bfff-ffffffffffff"],
    "uuid7 beyond": ["7fffffff-ffff-7fff-bfff-ffffffffffff", "ffffffff-ffff-7fff-bfff-ffffffffffff"],
}


class EnqueueCases(Cases):
    @staged
    async def test_a_delay_counts_from_the_moment_of_acceptance_by_the_clock_of_the_store(self, stage: Stage) -> None:
        record = await stage.store.get(await stage.enqueue(delay=60.0, created_at=stage.now() - 3600))
        assert (record.state, record.run_at) == (State.SCHEDULED, stage.now() + 60)

    @staged
    async def test_an_enqueued_job_is_ready_and_bears_what_it_was_given(self, stage: Stage) -> None:
        job = stage.job("mail.send", queue="mail", priority=7, tags=("a", "b"), options={"attempts": 5})
        (done,) = await stage.store.enqueue([job])
        record = await stage.store.get(job.id)
        assert (done.id, done.existing, done.replaced) == (job.id, False, None)
        assert (record.id, record.task, record.queue, record.priority) == (job.id, "mail.send", "mail", 7)
        assert (record.state, record.created_at, record.attempt) == (State.READY, stage.now(), 0)
        assert (record.tags, record.options, record.attempts) == (("a", "b"), {"attempts": 5}, ())
        assert await stage.store.arguments(job.id) == job.args

    @staged
    async def test_the_answers_stand_in_the_order_of_the_jobs(self, stage: Stage) -> None:
        jobs = [stage.job() for _ in range(50)]
        assert [done.id for done in await stage.store.enqueue(jobs)] == [job.id for job in jobs]

    @staged
    async def test_a_batch_with_one_job_that_is_refused_enqueues_none(self, stage: Stage) -> None:
        await stage.enqueue(unique=Unique("taken"))
        batch = [stage.job(tags=("batch",), unique=unique) for unique in (Unique("free"), Unique("taken"), None)]
        with pytest.raises(JobExists):
            await stage.store.enqueue(batch)
        assert await stage.store.count(Query()) == 1
        assert await stage.store.count(Query(tag="batch")) == 0

    @staged
    async def test_a_refused_batch_takes_no_unique_key(self, stage: Stage) -> None:
        await stage.enqueue(unique=Unique("taken"))
        with pytest.raises(JobExists):
            await stage.store.enqueue([stage.job(unique=Unique("free")), stage.job(unique=Unique("taken"))])
        assert await stage.state(await stage.enqueue(unique=Unique("free"))) is State.READY

    @staged
    async def test_a_refused_batch_replaces_nothing(self, stage: Stage) -> None:
        waiting = await stage.enqueue(unique=Unique("debounced"))
        await stage.enqueue(unique=Unique("taken"))
        replacing = stage.job(unique=Unique("debounced", on_conflict="replace"))
        with pytest.raises(JobExists):
            await stage.store.enqueue([replacing, stage.job(unique=Unique("taken"))])
        assert await stage.state(waiting) is State.READY

    @staged
    async def test_an_empty_batch_is_accepted(self, stage: Stage) -> None:
        assert await stage.store.enqueue([]) == []
        assert await stage.store.count(Query()) == 0

    @staged
    async def test_a_job_sent_twice_is_one_job(self, stage: Stage) -> None:
        job = stage.job(tags=("tag",))
        assert [done.id for done in await stage.store.enqueue([job, job])] == [job.id, job.id]
        assert [(done.id, done.existing) for done in await stage.store.enqueue([job])] == [(job.id, False)]
        assert await stage.store.count(Query()) == 1
        assert [lease.id for lease in await stage.claim()] == [job.id]

    @staged
    async def test_a_job_sent_again_after_it_has_run_does_not_run_again(self, stage: Stage) -> None:
        job = stage.job()
        await stage.store.enqueue([job])
        await stage.run()
        await stage.store.enqueue([job])
        assert await stage.state(job.id) is State.SUCCEEDED
        assert await stage.claim() == []

    @staged
    async def test_a_unique_job_sent_twice_is_no_conflict(self, stage: Stage) -> None:
        job = stage.job(unique=Unique("key"))
        await stage.store.enqueue([job])
        assert [done.id for done in await stage.store.enqueue([job])] == [job.id]

    @staged
    async def test_a_unique_job_sent_again_after_it_has_run_does_not_take_its_key_again(self, stage: Stage) -> None:
        job = stage.job(unique=Unique("key"))
        await stage.store.enqueue([job])
        await stage.run()
        await stage.store.enqueue([job])
        assert await stage.state(await stage.enqueue(unique=Unique("key"))) is State.READY

    @staged
    async def test_a_unique_job_sent_again_after_another_took_its_key_is_still_accepted(self, stage: Stage) -> None:
        job = stage.job(unique=Unique("key"))
        await stage.store.enqueue([job])
        await stage.run()
        other = await stage.enqueue(unique=Unique("key"))
        assert [done.id for done in await stage.store.enqueue([job])] == [job.id]
        assert await stage.state(other) is State.READY

    @staged
    async def test_a_job_for_later_is_scheduled(self, stage: Stage) -> None:
        record = await stage.store.get(await stage.enqueue(run_at=stage.now() + 60))
        assert (record.state, record.run_at) == (State.SCHEDULED, stage.now() + 60)
        assert await stage.claim() == []

    @pytest.mark.parametrize("delay", [0.0, -60.0])
    @staged
    async def test_a_job_whose_time_has_come_is_ready(self, stage: Stage, delay: float) -> None:
        assert await stage.state(await stage.enqueue(run_at=stage.now() + delay)) is State.READY

    @pytest.mark.parametrize("delay", [None, 60.0])
    @staged
    async def test_a_job_enqueued_as_held_is_held(self, stage: Stage, delay: float | None) -> None:
        moment = None if delay is None else stage.now() + delay
        job_id = await stage.enqueue(held=True, run_at=moment)
        stage.clock.advance(120)
        assert await stage.claim() == []
        assert await stage.state(job_id) is State.HELD

    @pytest.mark.parametrize("name", NAMES)
    @staged
    async def test_names_of_any_letters_and_of_200_characters_survive(self, stage: Stage, name: str) -> None:
        await stage.join(tasks=[name])
        options = {"retry_on": [name]}
        job_id = await stage.enqueue(name, queue=name, tags=(name,), unique=Unique(name), options=options)
        lease = await stage.lease(queues=[name], tasks=[name])
        assert (lease.id, lease.task, lease.queue, lease.options) == (job_id, name, name, options)
        record = await stage.store.get(job_id)
        assert (record.task, record.queue, record.tags, record.unique_key) == (name, name, (name,), name)
        for query in (Query(queue=name), Query(task=name), Query(tag=name)):
            assert await stage.store.count(query) == 1

    @pytest.mark.parametrize("ids", list(IDS.values()), ids=list(IDS))
    @staged
    async def test_a_job_is_found_whatever_its_id_looks_like(self, stage: Stage, ids: list[str]) -> None:
        jobs = [stage.job(id=job_id) for job_id in ids]
        await stage.store.enqueue(jobs)
        await stage.store.enqueue(jobs)
        assert {job.id for job in (await stage.store.find(Query(), 1000)).jobs} == set(ids)
        for job_id in ids:
            assert (await stage.store.get(job_id)).id == job_id
        assert await stage.store.count(Query(ids=tuple(ids))) == len(ids)
        assert await stage.change("cancel", *ids) == len(ids)

    @staged
    async def test_arguments_are_any_bytes_of_any_length(self, stage: Stage) -> None:
        for args in (b"", b"\0", bytes(range(256)), bytes(range(256)) * 8192):
            job_id = await stage.enqueue(args=args)
            assert await stage.store.arguments(job_id) == args
            assert (await stage.lease()).args == args

    @staged
    async def test_a_batch_may_be_of_thousands(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(5000)
        assert len(set(ids)) == 5000
        assert await stage.store.count(Query(states=(State.READY,))) == 5000

    @staged
    async def test_jobs_are_there_after_the_store_was_closed_and_opened_again(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.store.close()
        await stage.store.open()
        assert await stage.state(job_id) is State.READY

    @staged
    async def test_what_one_store_enqueues_another_leases(self, stage: Stage) -> None:
        job = stage.job()
        await (await stage.another_store()).enqueue([job])
        assert (await stage.lease()).id == job.id

    @staged
    async def test_the_direct_path_of_a_producer_does_the_same(self, stage: Stage) -> None:
        enqueue_now = getattr(stage.store, "enqueue_now", None)
        if enqueue_now is None:
            pytest.skip("this store has no direct path for producers")
        job = stage.job(unique=Unique("key"))
        assert [done.id for done in enqueue_now([job])] == [job.id]
        with pytest.raises(JobExists):
            enqueue_now([stage.job(), stage.job(unique=Unique("key"))])
        assert (await stage.lease()).id == job.id
