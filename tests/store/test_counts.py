"""The numbers of jobs are kept, not looked up, and are right all the same: however jobs move, and whoever counts."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from queuemgr.job import State, Unique, new_id, new_ids, next_order, order_of
from queuemgr.outcome import SUCCEEDED, Verdict
from queuemgr.recurrence import Every
from queuemgr.schedule import Schedule
from queuemgr.store import Claim, Query, Settlement, WorkerInfo
from queuemgr.stores.sqlite import counting
from queuemgr.stores.sqlite.store import SqliteStore
from tests.store.counts import count_at_once, kept_counts, true_counts
from tests.store.rig import make_job

TASKS, QUEUES = ("pack", "ship", "bill"), ("mail", "shop")
VERDICTS = (
    SUCCEEDED,
    Verdict(State.DEAD, "failed", failed=True),
    Verdict(State.SCHEDULED, "failed", run_at=9e9, failed=True),
    Verdict(State.PARKED, "unknown task"),
    Verdict(State.READY, "crashed", crashed=True),
)


class Life:
    """Moves the jobs of a store about, at random and in every way."""

    def __init__(self, store: SqliteStore, seed: int) -> None:
        self.store = store
        self.chance = random.Random(seed)
        self.moves = (self.enqueue, self.enqueue_on, self.claim, self.claim, self.change, self.fire, self.die)

    async def enqueue(self) -> None:
        key = str(self.chance.randrange(20))
        unique = Unique(key, on_conflict="replace") if self.chance.random() < 0.2 else None
        more = {"run_at": time.time() + self.chance.choice((-1, 0.01, 60)), "held": self.chance.random() < 0.2}
        jobs = [self.job(unique=unique, **more), *(self.job() for _ in range(self.chance.choice((0, 30, 250))))]
        await self.store.enqueue(jobs)

    def job(self, **fields: object):  # type: ignore[no-untyped-def]
        return make_job(self.chance.choice(TASKS), queue=self.chance.choice(QUEUES), **fields)

    async def enqueue_on(self) -> None:
        with closing(sqlite3.connect(self.store.path)) as connection:
            self.store.enqueue_on(connection, [self.job() for _ in range(20)])
            (connection.commit if self.chance.random() < 0.5 else connection.rollback)()

    async def claim(self) -> None:
        wish = Claim(worker="w", queues=[(name, 20) for name in QUEUES], limit=30, tasks=frozenset(TASKS))
        for lease in (await self.store.claim(wish)).leases:
            if self.chance.random() < 0.8:
                await self.store.settle([Settlement(lease, "w", self.chance.choice(VERDICTS), time.time())])

    async def change(self) -> None:
        verb = self.chance.choice(("retry", "cancel", "hold", "release", "delete"))
        await self.store.change(verb, Query(task=self.chance.choice(TASKS), queue=self.chance.choice(QUEUES)))

    async def fire(self) -> None:
        await self.store.put_schedule(Schedule(name="s", rule=Every(60.0), job=self.job()), 1.0)
        await self.store.fire("s", 1.0, 2.0, [self.job()])
        await self.store.prune()

    async def die(self) -> None:
        await self.store.join(WorkerInfo(id="w", host="elsewhere", pid=1, birth=1, beat_at=time.time()))
        await self.store.leave("w", died=self.chance.random() < 0.5)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_however_jobs_move_their_numbers_are_right(
    store: SqliteStore, path: Path, seed: int, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "BEHIND", 100)
    monkeypatch.setattr(counting, "AT_ONCE", 37)
    monkeypatch.setattr(counting, "STEPS", 2)  # so that what is asked is far behind at times, and at times is not
    life = Life(store, seed)

    async def live() -> None:
        await store.open()
        if at_once:
            count_at_once(path)
        for _ in range(60):
            await life.chance.choice(life.moves)()
            assert kept_counts(path) == true_counts(path)
            if life.chance.random() < 0.2:
                await look()

    async def look() -> None:
        true = true_counts(path)
        shown = {(one.name, state): number for one in await store.queues() for state, number in one.counts.items()}
        summed: dict[tuple[str, int], int] = {}
        for (queue, _, state), number in true.items():
            summed[queue, state] = summed.get((queue, state), 0) + number
        assert shown == summed
        assert await store.count(Query()) == sum(true.values())
        picked = [number for (_, task, state), number in true.items() if task == "pack" and state == State.READY]
        assert await store.count(Query(task="pack", states=(State.READY,))) == sum(picked)

    asyncio.run(live())


@pytest.mark.parametrize("number", [1, 3, 30, 150])
@pytest.mark.parametrize("among_new_ones", [False, True])
def test_jobs_that_come_late_are_counted_although_newer_ones_were_counted_before(
    store: SqliteStore, path: Path, number: int, among_new_ones: bool
) -> None:
    late = [make_job() for _ in range(number)]
    store.enqueue_now([make_job() for _ in range(5)])
    store._db.write(counting.follow)
    if among_new_ones:
        late += [make_job() for _ in range(number)]
    store.enqueue_now(late)
    assert kept_counts(path) == {("default", "task", State.READY): 5 + len(late)} == true_counts(path)
    store.enqueue_now(late)
    assert kept_counts(path) == true_counts(path)


def test_jobs_that_are_restored_late_are_counted(store: SqliteStore, path: Path) -> None:
    store.enqueue_now([make_job(held=True)])
    ((snapshot,), _) = asyncio.run(store.dump(None, 1))
    asyncio.run(store.change("delete", Query()))
    store.enqueue_now([make_job() for _ in range(5)])
    store._db.write(counting.follow)
    asyncio.run(store.restore([snapshot]))
    assert kept_counts(path) == true_counts(path)
    assert kept_counts(path)["default", "task", State.HELD] == 1


def test_whoever_asks_for_numbers_lets_the_count_follow(store: SqliteStore) -> None:
    store.enqueue_now([make_job() for _ in range(counting.BEHIND + 1)])
    assert store._db.read(counting.is_behind)
    assert asyncio.run(store.count(Query())) == counting.BEHIND + 1
    assert not store._db.read(counting.is_behind)


def test_whoever_asks_first_does_not_wait_until_all_jobs_were_counted(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "AT_ONCE", 100)
    store.enqueue_now([make_job() for _ in range(counting.BEHIND + 1 + 100 * counting.STEPS)])
    number = counting.BEHIND + 1 + 100 * counting.STEPS
    assert [info.counts for info in asyncio.run(store.queues())] == [{State.READY: number}]
    assert store._db.read(counting.is_behind)
    assert asyncio.run(store.count(Query(states=(State.READY,)))) == number
    assert not store._db.read(counting.is_behind)


def test_numbers_that_are_none_are_forgotten(store: SqliteStore, path: Path) -> None:
    store.enqueue_now([make_job()])
    store._db.write(counting.follow)
    asyncio.run(store.change("delete", Query(queue="default")))
    asyncio.run(store.prune())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM queuemgr_counts").fetchone() == (0,)


def test_ids_made_together_are_in_order_and_none_is_made_again() -> None:
    before, (numbers, ids), after = new_id(), new_ids(1000), new_id()
    assert [before, *ids, after] == sorted({before, *ids, after})
    assert [order_of(one) for one in ids] == list(numbers)
    assert next_order() > numbers[-1]
    assert len({one[24:] for one in ids}) == 1000
    assert not any(new_ids(0))
