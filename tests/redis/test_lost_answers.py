"""A call whose answer was lost is sent again, and what it did the first time is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from queuemgr.errors import StoreUnavailable
from queuemgr.job import State, Unique
from queuemgr.outcome import Verdict
from queuemgr.recurrence import Every
from queuemgr.schedule import Schedule
from queuemgr.store import Query, Report
from tests.redis.rig import Proxy, claim, make_job, opened, settlement
from tests.servers.redis import Redis

OwnRedis = Callable[..., Redis]
RETRY = Verdict(State.SCHEDULED, "failed", run_at=0.0, failed=True)


def test_an_enqueue_whose_answer_was_lost_makes_one_job(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with Proxy(own_redis().port) as proxy, opened(proxy.url) as store:
            job = make_job(unique=Unique("key"))
            proxy.lose_answers = 1
            assert [done.id for done in await store.enqueue([job])] == [job.id]
            assert proxy.lose_answers == 0
            assert await store.count(Query()) == 1

    asyncio.run(main())


def test_a_claim_whose_answer_was_lost_is_answered_with_the_same_leases(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with Proxy(own_redis().port) as proxy, opened(proxy.url) as store:
            jobs = [make_job() for _ in range(5)]
            await store.enqueue(jobs)
            await claim(store, limit=1)
            proxy.lose_answers = 1
            leases = await claim(store, limit=3)
            assert [lease.id for lease in leases] == [job.id for job in jobs[1:4]]
            assert {lease.attempt for lease in leases} == {1}
            assert all(await store.settle(list(map(settlement, leases))))
            assert await store.count(Query(states=(State.READY,))) == 1

    asyncio.run(main())


def test_what_a_cancelled_claim_leased_comes_with_the_next_one(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with opened(own_redis().url) as store:
            job = make_job()
            await store.enqueue([job])
            await claim(store, limit=0)
            cancelled = asyncio.create_task(claim(store))
            await asyncio.sleep(0)  # it has sent its command
            cancelled.cancel()
            await asyncio.gather(cancelled, return_exceptions=True)
            assert cancelled.cancelled()
            assert await store.count(Query(states=(State.RUNNING,))) == 1
            (lease,) = await claim(store)
            assert (lease.id, lease.attempt) == (job.id, 1)

    asyncio.run(main())


@pytest.mark.parametrize("verdict", [None, RETRY], ids=["succeeded", "retried"])
def test_a_settlement_whose_answer_was_lost_is_answered_with_yes(own_redis: OwnRedis, verdict: Verdict | None) -> None:
    async def main() -> None:
        async with Proxy(own_redis().port) as proxy, opened(proxy.url) as store:
            await store.enqueue([make_job()])
            (lease,) = await claim(store)
            ended = settlement(lease, **{"verdict": verdict} if verdict else {})
            proxy.lose_answers = 1
            assert await store.settle([ended]) == [True]
            assert len((await store.get(lease.id)).attempts) == 1
            assert await store.settle([ended]) == [False]

    asyncio.run(main())


def test_a_settlement_by_another_is_still_refused_when_it_is_sent_again(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with Proxy(own_redis().port) as proxy, opened(proxy.url) as store:
            await store.enqueue([make_job()])
            (lease,) = await claim(store)
            assert await store.settle([settlement(lease)]) == [True]
            proxy.lose_answers = 1
            assert await store.settle([settlement(lease, worker="another")]) == [False]

    asyncio.run(main())


def test_output_whose_answer_was_lost_is_kept_once(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with Proxy(own_redis().port) as proxy, opened(proxy.url) as store:
            await store.enqueue([make_job()])
            (lease,) = await claim(store)
            proxy.lose_answers = 1
            await store.report([Report(lease, output=[(0.0, "stdout", "once")])])
            assert [line.text for line in await store.output(lease.id)] == ["once"]

    asyncio.run(main())


def test_each_of_two_reports_of_a_job_is_kept_once_though_the_store_was_away_for_longer_than_a_call_waits(
    own_redis: OwnRedis,
) -> None:
    async def main() -> None:
        async with Proxy(own_redis().port) as proxy, opened(f"{proxy.url}?patience=0") as store:
            await store.enqueue([make_job()])
            (lease,) = await claim(store)
            reports = [Report(lease, output=[(0.0, "stdout", text)]) for text in ("one", "two", "three")]
            proxy.lose_answers = 1
            with pytest.raises(StoreUnavailable):
                await store.report(reports[:2])
            await store.report(reports)
            assert [line.text for line in await store.output(lease.id)] == ["one", "two", "three"]

    asyncio.run(main())


def test_a_settlement_counts_though_its_answer_was_lost_for_longer_than_a_call_waits(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with Proxy(own_redis().port) as proxy, opened(f"{proxy.url}?patience=0") as store:
            await store.enqueue([make_job()])
            ended = list(map(settlement, await claim(store)))
            proxy.lose_answers = 1
            with pytest.raises(StoreUnavailable):
                await store.settle(ended)
            assert await store.settle(ended) == [True]
            assert await store.settle(ended) == [False]

    asyncio.run(main())


def test_an_amount_whose_answer_was_lost_is_added_once(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with Proxy(own_redis().port) as proxy, opened(proxy.url) as store:
            assert await store.key_add("count", 1) == 1
            proxy.lose_answers = 1
            assert await store.key_add("count", 10) == 11
            proxy.lose_answers = 1
            assert await store.key_put_if_absent("lock", b"mine")
            proxy.lose_answers = 1
            assert await store.key_remove_if("lock", b"mine")

    asyncio.run(main())


def test_a_firing_whose_answer_was_lost_happened_once(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with Proxy(own_redis().port) as proxy, opened(proxy.url) as store:
            schedule = Schedule(name="nightly", rule=Every(60.0), job=make_job())
            await store.put_schedule(schedule, 100.0)
            proxy.lose_answers = 1
            assert await store.fire("nightly", 100.0, 160.0, [schedule.job_at(100.0)])
            assert not await store.fire("nightly", 100.0, 160.0, [schedule.job_at(100.0)])
            assert await store.count(Query()) == 1

    asyncio.run(main())


def test_a_producer_in_a_thread_survives_lost_answers_too(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with Proxy(own_redis().port) as proxy, opened(proxy.url) as store:
            await asyncio.to_thread(store.enqueue_now, [make_job()])
            proxy.lose_answers = 1
            job = make_job()
            done = await asyncio.to_thread(store.enqueue_now, [job])
            assert [one.id for one in done] == [job.id]
            assert await store.count(Query()) == 2

    asyncio.run(main())
