"""A copy holds all that the original does, whatever kinds of stores they are."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from queuemgr.job import Job, State, new_id
from queuemgr.liveness import birth_of, this_host
from queuemgr.service.failures import Misused, NotAllowed
from queuemgr.store import Claim, Query, Snapshot, Store, WorkerInfo
from tests.copying.conftest import Pair, copied
from tests.copying.filling import QUEUES, TASKS, beside, everything, fill, order_of_claims


def by_id(snapshots: Sequence[Snapshot]) -> dict[str, Snapshot]:
    return {one.job.id: one for one in snapshots}


def worker(**fields: Any) -> WorkerInfo:
    pid = os.getpid()
    info: dict[str, Any] = {
        "host": this_host(),
        "pid": pid,
        "birth": birth_of(pid) or 0,
        "queues": QUEUES,
        "beat_at": time.time(),
    }
    return WorkerInfo(id="w", name="here", tasks=TASKS, **info | fields)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_in_a_store_is_in_its_copy(pair: Pair, seed: int) -> None:
    async def check(source: Store, target: Store) -> None:
        await fill(source, seed)
        told = await copied(source, target)
        before, after = by_id(await everything(source)), by_id(await everything(target))
        assert len({one.state for one in before.values()}) >= 6
        assert after == before
        assert await beside(target) == await beside(source)
        assert (told["equal"], told["copied"], told["resumed"]) == (True, len(before), False)
        assert {state: counts["to"] for state, counts in told["states"].items()} == {
            state.word: sum(one.state is state for one in before.values()) for state in State
        }
        assert await order_of_claims(target) == await order_of_claims(source)

    pair.run(check)


def test_there_and_back_again_is_the_same(pair: Pair, tmp_path: Path) -> None:
    async def check(source: Store, target: Store) -> None:
        await fill(source, 99)
        await copied(source, target)

    pair.run(check)
    back = Pair(pair.target, f"sqlite:///{tmp_path}/back.db")
    assert back.copy()["equal"]

    async def compare(source: Store, again: Store) -> None:
        assert by_id(await everything(again)) == by_id(await everything(source))
        assert await beside(again) == await beside(source)

    Pair(pair.source, back.target).run(compare)


def test_a_second_copy_takes_only_what_is_new(pair: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        await fill(source, 1, rounds=10)
        await copied(source, target)
        before = await everything(target)
        assert (await copied(source, target))["copied"] == 0
        assert await everything(target) == before
        await source.enqueue([Job(id=new_id(), task="add", args=b"[[]]", created_at=time.time()) for _ in range(3)])
        told = await copied(source, target)
        assert (told["copied"], told["equal"]) == (3, True)

    pair.run(check)


def test_what_was_changed_meanwhile_is_told(files: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        first, second, third = [new_id() for _ in range(3)]
        await source.enqueue([Job(id=one, task="add", args=b"", created_at=1.0) for one in (first, second, third)])
        await copied(source, target)
        await source.change("cancel", Query(ids=(first,)))
        await source.change("delete", Query(ids=(second,)))
        told = await copied(source, target)
        assert (told["equal"], told["missing"], told["changed"], told["others"]) == (False, 0, 1, 1)
        assert told["differing"] == [{"id": first, "from": "cancelled", "to": "ready"}]
        assert (told["states"]["cancelled"], told["states"]["ready"]) == ({"from": 1, "to": 0}, {"from": 1, "to": 1})

    files.run(check)


def test_a_job_that_arrives_while_the_copy_runs_is_taken_along(files: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        await fill(source, 2, rounds=10)
        # It has an older id than all that were copied, so that the pages have passed its place already.
        early = Job(id="00000000-0000-7000-8000-000000000000", task="add", args=b"", created_at=1.0)
        restore = target.restore

        async def restore_and_receive(page: Sequence[Snapshot]) -> int:
            done = await restore(page)
            await source.enqueue([early])
            return done

        target.restore = restore_and_receive  # type: ignore[method-assign, assignment]
        told = await copied(source, target)
        assert told["equal"]
        assert (await target.get(early.id)).state is State.READY

    files.run(check)


def test_a_job_whose_worker_died_is_judged_before_it_is_copied(files: Pair) -> None:
    once, again = [Job(id=new_id(), task="add", args=b"", created_at=1.0, at_most_once=once) for once in (True, False)]

    async def begin(source: Store, target: Store) -> None:
        await source.join(worker(pid=1 << 22, birth=1))
        await source.enqueue([once, again])
        claimed = await source.claim(Claim(worker="w", queues=[("default", 9)], limit=9, tasks=frozenset(TASKS)))
        assert len(claimed.leases) == 2

    async def check(source: Store, target: Store) -> None:
        assert (await target.get(once.id)).state is State.DEAD
        record = await target.get(again.id)
        assert (record.state, record.crashes, record.attempts[0].outcome) == (State.READY, 1, "interrupted")

    files.run(begin)
    assert files.copy()["equal"]
    files.run(check)


def test_a_store_in_which_a_worker_lives_is_not_copied(pair: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        await source.enqueue([Job(id=new_id(), task="add", args=b"", created_at=1.0)])
        for busy in (source, target):
            await busy.join(worker())
            with pytest.raises(NotAllowed) as refused:
                await copied(source, target)
            assert busy.url in str(refused.value)
            assert "here (process" in str(refused.value)
            assert "stop every `queuemgr worker`" in refused.value.hint
            await busy.leave("w")
        assert await target.count(Query()) == 0

    pair.run(check)


def test_a_worker_that_begins_while_the_copy_runs_is_told(files: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        await fill(source, 3, rounds=5)
        restore = target.restore

        async def restore_and_work(page: Sequence[Snapshot]) -> int:
            await source.join(worker())
            return await restore(page)

        target.restore = restore_and_work  # type: ignore[method-assign, assignment]
        with pytest.raises(NotAllowed, match="began after the copy did"):
            await copied(source, target)

    files.run(check)


def test_a_store_is_not_copied_into_itself(pair: Pair) -> None:
    async def check(source: Store, again: Store) -> None:
        await fill(source, 4, rounds=3)
        before = await everything(source)
        with pytest.raises(Misused, match="one and the same store"):
            await copied(source, again)
        assert await everything(source) == before

    Pair(pair.source, pair.source).run(check)


def test_a_schedule_that_the_target_has_already_stays_as_it_is(files: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        await fill(source, 5, rounds=1)
        await fill(target, 6, rounds=1)
        before = await beside(target)
        await copied(source, target)
        assert (await beside(target))["schedules"] == before["schedules"]

    files.run(check)


def test_memory_does_not_grow_with_the_store(files: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        jobs = [Job(id=new_id(), task="add", args=bytes(1_000_000), created_at=1.0) for _ in range(60)]
        await source.enqueue(jobs)
        restore, most = target.restore, 0

        async def weigh(page: Sequence[Snapshot]) -> int:
            nonlocal most
            most = max(most, sum(len(one.job.args) for one in page))
            return await restore(page)

        target.restore = weigh  # type: ignore[method-assign, assignment]
        assert (await copied(source, target))["copied"] == 60
        assert most < 10_000_000

    files.run(check)


def test_two_copies_at_the_same_moment_do_no_harm(files: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        await fill(source, 7)
        told = await asyncio.gather(copied(source, target), copied(source, target))
        before = by_id(await everything(source))
        assert by_id(await everything(target)) == before
        assert sum(one["copied"] for one in told) == len(before)

    files.run(check)
