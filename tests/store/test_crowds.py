"""Many jobs at once: accepted, claimed and changed in the same way as one, though by other statements."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from queuemgr import keeping
from queuemgr.app import App
from queuemgr.errors import JobExists
from queuemgr.job import Job, State, Unique
from queuemgr.store import Claim, Query
from queuemgr.stores.sqlite import bulk
from queuemgr.stores.sqlite.store import SqliteStore
from tests.store.rig import commits_in_log, make_job


def all_of(store: SqliteStore, **wanted: object) -> dict[str, State]:
    page = asyncio.run(store.find(Query(**wanted), 100_000))  # type: ignore[arg-type]
    return {job.id: job.state for job in page.jobs}


def mixed(number: int) -> list[Job]:
    """Jobs of every kind, alike in runs of every length."""
    chance, jobs = random.Random(number), list[Job]()
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"tags": ("a", "b")},
        {"queue": "other", "priority": 5},
        {"run_at": time.time() + 60},
        {"run_at": time.time() - 5, "options": {"timeout": 3}},
        {"held": True, "keep": 5.0, "at_most_once": True, "crash_budget": 7},
    )
    while len(jobs) < number:
        kind = chance.choice(kinds)
        jobs += [make_job(args=b"[[%d]]" % n, **kind) for n in range(chance.choice((1, 9, 10, 99, 100, 231)))]
        jobs += [make_job(unique=Unique(str(len(jobs))))]
    return jobs


def rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        jobs = connection.execute(
            "SELECT id, seq, named, state, queue, task, priority, run_at IS NULL, created_at, keep, at_most_once,"
            " unique_key, tags, options, crash_budget, args FROM queuemgr_jobs ORDER BY seq"
        ).fetchall()
        return [*jobs, *connection.execute("SELECT * FROM queuemgr_tags ORDER BY 1, 2")]


def test_jobs_that_are_accepted_together_are_those_that_are_accepted_one_by_one(tmp_path: Path) -> None:
    together, single = (SqliteStore(f"sqlite:///{tmp_path}/{name}.db") for name in ("together", "single"))
    jobs = mixed(1500)
    answers = together.enqueue_now(jobs)
    assert answers == [answer for job in jobs for answer in single.enqueue_now([job])]
    assert rows(together.path) == rows(single.path)
    together.close_now()
    single.close_now()


def test_jobs_sent_twice_are_there_once_with_their_tags(store: SqliteStore, path: Path) -> None:
    jobs = [make_job(tags=("t",)) for _ in range(350)]
    store.enqueue_now(jobs[::7])
    store.enqueue_now([*jobs, *jobs[:20]])
    store.enqueue_now(jobs)
    assert list(all_of(store, tag="t")) == [job.id for job in reversed(jobs)]


def test_jobs_whose_places_are_taken_find_others(store: SqliteStore) -> None:
    first = [make_job() for _ in range(150)]
    # The same numbers within other ids.
    second = [make_job(id=f"{job.id[:-4]}{n:04x}", tags=("second",)) for n, job in enumerate(first)]
    store.enqueue_now(first)
    store.enqueue_now(second)
    assert set(all_of(store)) == {job.id for job in (*first, *second)}
    assert set(all_of(store, tag="second")) == {job.id for job in second}


def test_jobs_with_ids_of_their_own_are_accepted_together(store: SqliteStore) -> None:
    store.enqueue_now([make_job(id=f"order {n}") for n in range(250)])
    assert set(all_of(store)) == {f"order {n}" for n in range(250)}


def test_one_that_is_refused_takes_hundreds_with_it(store: SqliteStore) -> None:
    store.enqueue_now([make_job(unique=Unique("taken"))])
    with pytest.raises(JobExists):
        store.enqueue_now([*(make_job() for _ in range(400)), make_job(unique=Unique("taken"))])
    assert len(all_of(store)) == 1


def test_calls_made_together_are_jobs_like_any_other(path: Path) -> None:
    app = App(f"sqlite:///{path}")

    @app.task(name="add")
    def add(one: int, other: int = 0) -> int:
        return one + other

    handles = app.client.enqueue_many(add.using(tags=("sum",), priority=3).calls((n, 1) for n in range(150)))
    assert len({handle.id for handle in handles}) == 150
    assert app.client.arguments(handles[7].id) == [[7, 1]]
    record = handles[7].look()
    assert (record.task, record.tags, record.priority) == ("add", ("sum",), 3)
    assert not app.client.enqueue_many(add.calls([]))
    with pytest.raises(Exception, match="one must be int"):
        add.calls([(1,), ("a",)])
    app.close()


@pytest.mark.parametrize("limit", [1, 3, 40, 500])
def test_a_claim_merges_the_lanes_of_all_tasks_by_priority_and_age(store: SqliteStore, limit: int) -> None:
    chance = random.Random(limit)
    jobs = [make_job(f"task{chance.randrange(30)}", priority=chance.choice((0, 0, 5, 9))) for _ in range(300)]
    store.enqueue_now(jobs)
    expected = [job.id for job in sorted(jobs, key=lambda job: -job.priority)]

    async def drain() -> list[str]:
        claimed: list[str] = []
        wish = Claim(worker="w", queues=[("default", limit)], limit=limit, tasks=frozenset())
        while leases := (await store.claim(wish)).leases:
            claimed += [lease.id for lease in leases]
        return claimed

    assert asyncio.run(drain()) == expected


@pytest.mark.parametrize("verb", ["hold", "cancel", "delete"])
@pytest.mark.parametrize("by_id", [True, False])
def test_thousands_of_jobs_are_changed_in_transactions_that_are_short(
    store: SqliteStore, path: Path, verb: str, by_id: bool
) -> None:
    ids = tuple(done.id for done in store.enqueue_now([make_job(tags=("t",)) for _ in range(4000)]))
    store.enqueue_now([make_job("another")])
    before = commits_in_log(path)
    assert asyncio.run(store.change(verb, Query(ids=ids) if by_id else Query(task="task"))) == 4000
    assert commits_in_log(path) - before == 4000 / keeping.AT_ONCE
    left = set(all_of(store, task="task").values())
    assert left == {"hold": {State.HELD}, "cancel": {State.CANCELLED}, "delete": set()}[verb]
    assert list(all_of(store, task="another").values()) == [State.READY]


def test_a_job_that_moves_while_many_are_changed_is_changed_once(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "CHOSEN", 7)
    monkeypatch.setattr(keeping, "AT_ONCE", 3)
    jobs = [make_job(run_at=time.time() + 60) for _ in range(50)]
    store.enqueue_now(jobs)

    async def retry_and_look() -> int:
        retrying = asyncio.create_task(store.change("retry", Query(queue="default")))
        while not retrying.done():
            # Those that were retried come back to a state that can be retried.
            await store.change("cancel", Query(states=(State.READY,)))
        return await retrying

    assert asyncio.run(retry_and_look()) == 50


def test_an_id_that_is_named_twice_is_changed_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "AT_ONCE", 3)
    ids = [done.id for done in store.enqueue_now([make_job() for _ in range(10)])]
    assert asyncio.run(store.change("hold", Query(ids=(*ids, *ids)))) == 10


def test_each_of_many_jobs_keeps_the_moment_of_its_making(store: SqliteStore) -> None:
    jobs = [make_job(created_at=float(100 + n // bulk.FEW)) for n in range(3 * bulk.FEW)]
    store.enqueue_now(jobs)
    kept = asyncio.run(store.find(Query(), 100)).jobs
    assert {one.id: one.created_at for one in kept} == {job.id: job.created_at for job in jobs}


def test_statements_take_as_many_rows_as_they_say() -> None:
    for (rows, own), statement in bulk._STATEMENTS.items():
        assert statement.count(f"({', '.join('?' * len(own))})") == rows
    assert {rows for rows, _ in bulk._STATEMENTS} == {bulk.FEW, bulk.MANY}
