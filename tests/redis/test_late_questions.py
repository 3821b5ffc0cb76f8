"""A question that was given up and asked again comes late after all: it does nothing, and nobody misses anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis

from queuemgr.errors import StoreError
from queuemgr.job import Lease, State
from queuemgr.outcome import Verdict
from queuemgr.recurrence import Every
from queuemgr.result import Owner
from queuemgr.schedule import Schedule
from queuemgr.store import Query, Report
from queuemgr.stores.redis import line, scripts
from queuemgr.stores.redis.large import RedisPlace
from queuemgr.stores.redis.scripts import script
from queuemgr.stores.redis.store import RedisStore
from tests.redis.rig import LateProxy, claim, info, make_job, opened, settlement
from tests.servers.redis import Redis

OwnRedis = Callable[..., Redis]
Scene = Callable[[RedisStore], Awaitable[Any]]
RUNNING = Query(states=(State.RUNNING,))
RETRY = Verdict(State.SCHEDULED, "failed", run_at=0.0, failed=True)


async def asked_twice(proxy: LateProxy, name: str, question: Awaitable[Any]) -> Any:
    """The answer to the second sending of the next such question; the first is held back."""
    proxy.hold(script(name).sha)
    answer = await question
    assert proxy.held.is_set(), f"{name} was not asked"
    return answer


async def comes_late(proxy: LateProxy) -> None:
    assert (await proxy.deliver()).startswith(b"-LATE")


@pytest.mark.parametrize("joined", [True, False], ids=["joined", "unknown"])
def test_a_late_claim_leases_nothing(own_redis: OwnRedis, joined: bool) -> None:
    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url) as store:
            if joined:
                await store.join(info("worker", tasks=("task",)))
            jobs = [make_job(), make_job()]
            await store.enqueue(jobs)
            (first,) = await asked_twice(proxy, "claim", claim(store, limit=1))
            assert await store.settle([settlement(first)]) == [True]
            await comes_late(proxy)
            assert await store.count(RUNNING) == 0
            (second,) = await claim(store)
            assert [(one.id, one.attempt) for one in (first, second)] == [(job.id, 1) for job in jobs]

    asyncio.run(main())


def test_a_late_claim_leases_nothing_to_a_worker_that_was_taken_for_dead_since(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url) as store:
            await store.join(info("worker", tasks=("task",)))
            assert await asked_twice(proxy, "claim", claim(store)) == []
            async with opened(proxy.url) as other:
                await other.leave("worker", died=True)
            await store.enqueue([make_job()])
            await store.beat("worker")
            assert [worker.id for worker in await store.workers()] == ["worker"]
            await comes_late(proxy)
            assert await store.count(RUNNING) == 0

    asyncio.run(main())


def test_a_claim_that_was_cancelled_in_a_network_that_stands_still_leases_nothing_later(
    own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "ANSWER_TIMEOUT", 0.2)

    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url) as store:
            await claim(store, limit=0)
            await store.enqueue([make_job(), make_job()])
            proxy.hold(script("claim").sha, silently=True)
            cancelled = asyncio.create_task(claim(store, limit=1))
            await proxy.held.wait()
            cancelled.cancel()
            await asyncio.gather(cancelled, return_exceptions=True)
            assert cancelled.cancelled()
            (first,) = await claim(store, limit=1)
            assert await store.settle([settlement(first)]) == [True]
            await comes_late(proxy)
            assert await store.count(RUNNING) == 0
            assert [lease.attempt for lease in await claim(store)] == [1]

    asyncio.run(main())


def test_a_late_claim_of_a_dead_process_leases_nothing_to_its_successor(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url) as dead, opened(proxy.url) as successor:
            await dead.join(info("worker", pid=1, birth=1))
            await claim(dead, limit=0)
            proxy.hold(script("claim").sha, silently=True)
            dying = asyncio.create_task(claim(dead))
            await proxy.held.wait()
            dying.cancel()
            await asyncio.gather(dying, return_exceptions=True)
            await dead.close()
            await successor.join(info("worker"))
            await successor.enqueue([make_job()])
            assert b"another" in await proxy.deliver()
            assert await successor.count(RUNNING) == 0
            assert len(await claim(successor)) == 1

    asyncio.run(main())


def test_a_dead_process_does_not_take_leave_for_its_successor(redis_url: str) -> None:
    async def main() -> None:
        async with opened(redis_url) as dead, opened(redis_url) as successor:
            await dead.join(info("worker", pid=1, birth=1))
            await successor.join(info("worker"))
            await successor.enqueue([make_job()])
            assert len(await claim(successor)) == 1
            await dead.leave("worker")
            assert await successor.count(RUNNING) == 1
            await successor.leave("worker")
            assert await successor.count(RUNNING) == 0

    asyncio.run(main())


def test_a_worker_whose_name_another_process_has_taken_is_told_so(redis_url: str) -> None:
    async def main() -> None:
        async with opened(redis_url) as old, opened(redis_url) as new:
            await old.join(info("worker", pid=1, birth=1))
            await new.join(info("worker"))
            await new.enqueue([make_job()])
            with pytest.raises(StoreError, match="another process works as 'worker': give each worker a name"):
                await claim(old)
            assert len(await claim(new)) == 1

    asyncio.run(main())


def test_each_job_is_run_once_though_every_third_claim_comes_late_too(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url) as store:
            jobs, ran = [make_job() for _ in range(40)], list[Lease]()
            await store.enqueue(jobs)
            await store.join(info("worker", tasks=("task",)))
            while leases := await asked_twice(proxy, "claim", claim(store, limit=3)):
                ran += leases
                assert all(await store.settle(list(map(settlement, leases))))
                await comes_late(proxy)
                for _ in range(2):
                    leases = await claim(store, limit=3)
                    ran += leases
                    assert all(await store.settle(list(map(settlement, leases))))
            assert [(lease.id, lease.attempt) for lease in ran] == [(job.id, 1) for job in jobs]
            assert await store.count(Query(states=(State.SUCCEEDED,))) == len(jobs)

    asyncio.run(main())


def test_a_late_claim_leases_nothing_on_a_server_that_was_full(own_redis: OwnRedis) -> None:
    server = own_redis()

    async def main() -> None:
        async with LateProxy(server.port) as proxy, opened(proxy.url) as store:
            await store.enqueue([make_job(), make_job()])
            assert server.say("CONFIG SET maxmemory 1") == "+OK"
            (first,) = await asked_twice(proxy, "claim", claim(store, limit=1))
            assert await store.settle([settlement(first)]) == [True]
            await comes_late(proxy)
            assert await store.count(RUNNING) == 0

    asyncio.run(main())


@pytest.mark.parametrize("rich", [False, True], ids=["plain", "rich"])
@pytest.mark.parametrize("thread", [False, True], ids=["loop", "thread"])
def test_a_late_enqueue_does_not_bring_back_a_job_that_was_deleted(
    own_redis: OwnRedis, rich: bool, thread: bool
) -> None:
    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url) as store:
            jobs = [make_job(tags=("tag",) if rich else ())]
            await asyncio.to_thread(store.enqueue_now, [make_job()])
            question = asyncio.to_thread(store.enqueue_now, jobs) if thread else store.enqueue(jobs)
            await asked_twice(proxy, "enqueue" if rich else "push", question)
            assert await store.change("delete", Query()) == 2
            await comes_late(proxy)
            assert await store.count(Query()) == 0

    asyncio.run(main())


async def pause(store: RedisStore) -> Any:
    return [queue.paused for queue in await store.queues()]


async def priorities(store: RedisStore) -> Any:
    return [job.priority for job in (await store.find(Query())).jobs]


async def schedules(store: RedisStore) -> Any:
    return [known.schedule.rule for known in await store.schedules()]


def daily(period: float) -> Schedule:
    return Schedule(name="daily", rule=Every(period), job=make_job())


@pytest.mark.parametrize(
    ("name", "first", "then", "look", "found"),
    [
        ("pause", lambda store: store.pause("default"), lambda store: store.resume("default"), pause, [False]),
        (
            "limit",
            lambda store: store.limit("default", 1),
            lambda store: store.limit("default", None),
            lambda store: store.queues(),
            None,
        ),
        (
            "change",
            lambda store: store.prioritise(Query(), 9),
            lambda store: store.prioritise(Query(), 2),
            priorities,
            [2],
        ),
        (
            "key",
            lambda store: store.key_put_if_absent("lock", b"mine"),
            lambda store: store.key_remove_if("lock", b"mine"),
            lambda store: store.key_get("lock"),
            None,
        ),
        (
            "key",
            lambda store: store.key_add("count", 1),
            lambda store: store.key_add("count", 1),
            lambda store: store.key_get("count"),
            b"2",
        ),
        (
            "schedule",
            lambda store: store.put_schedule(daily(60.0), 1.0),
            lambda store: store.put_schedule(daily(90.0), 1.0),
            schedules,
            [Every(90.0)],
        ),
        (
            "schedule",
            lambda store: store.put_schedule(daily(60.0), 1.0),
            lambda store: store.remove_schedule("daily"),
            schedules,
            [],
        ),
    ],
    ids=["pause", "limit", "priority", "lock", "count", "older schedule", "removed schedule"],
)
def test_what_was_undone_since_is_not_done_late(
    own_redis: OwnRedis, name: str, first: Scene, then: Scene, look: Scene, found: Any
) -> None:
    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url) as store:
            await store.enqueue([make_job()])
            before = await look(store)
            await asked_twice(proxy, name, first(store))
            assert await look(store) != before
            await then(store)
            await comes_late(proxy)
            assert await look(store) == (before if found is None else found)

    asyncio.run(main())


def test_a_late_command_to_retry_does_not_run_a_job_again(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url) as store:
            await store.enqueue([make_job()])
            await store.settle(list(map(settlement, await claim(store))))
            assert await asked_twice(proxy, "change", store.change("retry", Query())) == 1
            await store.settle(list(map(settlement, await claim(store))))
            await comes_late(proxy)
            assert await store.count(Query(states=(State.SUCCEEDED,))) == 1

    asyncio.run(main())


def test_a_late_report_says_nothing_and_a_late_settlement_ends_nothing(own_redis: OwnRedis) -> None:
    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url) as store:
            await store.enqueue([make_job()])
            (lease,) = await claim(store)
            said = [Report(lease, progress=share, output=[(0.0, "stdout", str(share))]) for share in (1, 2)]
            await asked_twice(proxy, "report", store.report(said[:1]))
            await store.report(said[1:])
            await comes_late(proxy)
            assert [line.text for line in await store.output(lease.id)] == ["1", "2"]
            assert (await store.get(lease.id)).progress == 2
            assert await asked_twice(proxy, "settle", store.settle([settlement(lease, RETRY)])) == [True]
            (again,) = await claim(store)
            await comes_late(proxy)
            record = await store.get(lease.id)
            assert (record.state, record.attempt, len(record.attempts)) == (State.RUNNING, again.attempt, 1)

    asyncio.run(main())


@pytest.mark.parametrize("late", [b"if old then call", b"SETRANGE", b"call('SADD'"], ids=["begin", "write", "keep"])
def test_a_late_word_of_a_large_result_neither_harms_nor_brings_it_back(own_redis: OwnRedis, late: bytes) -> None:
    owner, told = Owner("job", 1), b"result" * 1000

    def write(place: RedisPlace) -> None:
        draft = place.draft(owner)
        draft.write(told)
        draft.keep("digest")

    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy:
            place = RedisPlace(proxy.url)
            proxy.hold(late)
            await asyncio.to_thread(write, place)
            assert proxy.held.is_set()
            if late == b"if old then call":
                await comes_late(proxy)
                (kept,) = await asyncio.to_thread(lambda: list(place.holdings()))
                assert (kept.owner, kept.digest) == (owner, "digest")
                source = await asyncio.to_thread(place.open, "digest")
                assert await asyncio.to_thread(source.read, 0, len(told)) == told
            else:
                held = await asyncio.to_thread(lambda: list(place.holdings()))
                assert await asyncio.to_thread(place.release, held) == len(told)
                await comes_late(proxy)
                assert await asyncio.to_thread(lambda: list(place.holdings())) == []

    asyncio.run(main())


def test_what_is_kept_of_connections_that_were_given_up_goes_by_itself(own_redis: OwnRedis) -> None:
    server = own_redis()

    async def main() -> None:
        async with LateProxy(server.port) as proxy, opened(proxy.url) as store:
            await asked_twice(proxy, "claim", claim(store))

    asyncio.run(main())
    with redis.Redis(port=server.port) as client:
        (key,) = client.scan_iter("{queuemgr}:given_up:*")
        assert 0 < client.ttl(key) <= scripts.KEEP_GIVEN_UP


def test_every_script_that_writes_heeds_connections_that_were_given_up() -> None:
    texts = {path.stem: path.read_text() for path in scripts._FOLDER.glob("*.lua")}
    whole = {name: text for name, text in texts.items() if text.startswith("--!")}
    writing = {name for name, text in whole.items() if any(word in text for word in ("commit()", "finish()", "ZADD"))}
    assert {name for name in whole if script(name).fenced} == writing - {"open"}
