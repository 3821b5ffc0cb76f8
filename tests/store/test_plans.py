"""No question to a large store sorts or reads through all of its jobs: each has an index that answers it in order."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from queuemgr.job import State, Unique
from queuemgr.outcome import SUCCEEDED, Verdict
from queuemgr.recurrence import Every
from queuemgr.schedule import Schedule
from queuemgr.store import Claim, Query, Report, Settlement, WorkerInfo
from queuemgr.stores.sqlite.store import SqliteStore
from tests.store.rig import make_job

CLAIM = Claim(worker="w", queues=[("default", 5), ("other", 5)], limit=10, tasks=frozenset({"task", "more"}))
PARKED = Verdict(State.PARKED, "unknown task")
CRASHED = Verdict(State.READY, "crashed", crashed=True)
LATER = Verdict(State.SCHEDULED, "failed", run_at=9e9, failed=True)
DEAD = Verdict(State.DEAD, "failed", failed=True)

Verb = Callable[[SqliteStore], Coroutine[Any, Any, object]]


async def a_whole_life(store: SqliteStore) -> None:
    now = time.time()
    await store.join(WorkerInfo(id="w", host="elsewhere", pid=1, birth=1, beat_at=now))
    await store.enqueue([make_job(unique=Unique(str(n)), tags=("t",), run_at=now - 1) for n in range(6)])
    await store.enqueue([make_job(run_at=now + 0.001)])
    for verdict in (PARKED, CRASHED, LATER, DEAD, SUCCEEDED, SUCCEEDED):
        for lease in (await store.claim(CLAIM)).leases:
            await store.report([Report(lease, 10, "note", [(now, "stdout", "text")])])
            await store.settle([Settlement(lease, "w", verdict, now)])
    await store.beat("w")
    await store.leave("w")


async def every_change(store: SqliteStore) -> None:
    (done,) = await store.enqueue([make_job(unique=Unique("key"))])
    for verb in ("hold", "release", "cancel", "retry", "delete"):
        assert await store.change(verb, Query(ids=(done.id,))) == 1
    await store.enqueue([make_job(unique=Unique("key"))])
    await store.enqueue([make_job(unique=Unique("key", on_conflict="replace"))])
    await store.prune()
    await store.put_schedule(Schedule(name="s", rule=Every(60.0), job=make_job()), 1.0)
    assert await store.fire("s", 1.0, 2.0, [make_job()])


async def every_look(store: SqliteStore) -> None:
    (done,) = await store.enqueue([make_job()])
    await store.get(done.id)
    await store.arguments(done.id)
    await store.output(done.id)
    await store.wait_finished(done.id, 0.0)
    await store.wait(["default", "other"], 0.0)


QUESTIONS = {
    "everything": Query(),
    **{f"state {state.word}": Query(states=(state,)) for state in State},
    "queue": Query(queue="default"),
    "task": Query(task="task"),
    "tag": Query(tag="tag"),
    "ids": Query(ids=("a", "b")),
    "queue and state ready": Query(queue="default", states=(State.READY,)),
    "queue and state dead": Query(queue="default", states=(State.DEAD,)),
    "task and state succeeded": Query(task="task", states=(State.SUCCEEDED,)),
    "task and state running": Query(task="task", states=(State.RUNNING,)),
    "tag and state": Query(tag="tag", states=(State.READY,)),
    "worker": Query(worker="w", states=(State.RUNNING,)),
}


def finding(query: Query) -> Verb:
    async def find(store: SqliteStore) -> None:
        await store.find(query)
        await store.find(query, 10, 5)

    return find


VERBS: dict[str, Verb] = {
    "a whole life": a_whole_life,
    "changes": every_change,
    "looks": every_look,
    **{f"find by {name}": finding(query) for name, query in QUESTIONS.items()},
}


def statements_of(store: SqliteStore, verb: Verb) -> list[str]:
    """What SQLite was asked, with the values in their places."""
    seen: list[str] = []

    async def use() -> None:
        await store.open()
        connections = (store._db._writer, store._db._reader, store._db._peeker)
        for connection in connections:
            assert connection is not None
            connection.set_trace_callback(seen.append)
        await verb(store)
        for connection in connections:
            assert connection is not None
            connection.set_trace_callback(None)

    asyncio.run(use())
    return [one for one in seen if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", one)]


def bad_steps(connection: sqlite3.Connection, statement: str) -> list[str]:
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    return [
        step
        for step in steps
        if "TEMP B-TREE" in step
        or re.match(r"SCAN (queuemgr_(jobs|attempts|output|tags|unique)|job)\b(?!.*USING)", step)
    ]


@pytest.mark.parametrize("name", VERBS)
def test_nothing_is_sorted_and_no_table_read_through(store: SqliteStore, path: Path, name: str) -> None:
    statements = statements_of(store, VERBS[name])
    assert statements
    with closing(sqlite3.connect(path)) as connection:
        found = {one: steps for one in statements if (steps := bad_steps(connection, one))}
    assert not found


@pytest.mark.parametrize(
    "statement",
    ["SELECT seq FROM queuemgr_jobs ORDER BY created_at", "SELECT id FROM queuemgr_jobs WHERE attempt = 1"],
)
def test_a_question_without_an_index_would_be_noticed(store: SqliteStore, path: Path, statement: str) -> None:
    store.enqueue_now([make_job()])
    with closing(sqlite3.connect(path)) as connection:
        assert bad_steps(connection, statement)
