"""A store with many finished jobs is as quick as an empty one, and jobs that have passed leave little behind."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.stores.postgres.store import PostgresStore
from queuemgr.testing.clock import ManualClock
from tests.pace import quickest
from tests.postgres.rig import at, make_job, plain, work_off
from tests.servers.postgres import Postgres
from tests.servers.process import until

FINISHED, WAITING = 100_000, 20_000
DEAD_ROWS = 2000  # with so many, the live table calls for a vacuum

_FILL = """
INSERT INTO done (seq, created_at, started_at, finished_at, expires_at, attempt, failures, crashes, crash_budget,
    priority, state, at_most_once, cancel, id, queue, task, worker, args)
SELECT -n, 1.0, 1.0, 2.0, 9e9, 1, 0, 0, 3, 0, 5 + (n %% 50 = 0)::int, false, false, 'old' || n, 'q' || n %% 5,
    't' || n %% 7, 'w', '[[]]' FROM generate_series(1, %s) AS n
"""
_WAIT = """
INSERT INTO jobs (created_at, state, run_at, id, queue, task, args)
SELECT 1.0, CASE WHEN n %% 10 = 0 THEN 0 ELSE 1 END, 9e9, 'new' || n, 'q' || n %% 5, 't' || n %% 7, '[[]]'
FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def full(store: PostgresStore, postgres_url: str) -> PostgresStore:
    asyncio.run(store.open())
    with plain(postgres_url, autocommit=True) as connection:
        connection.execute(_FILL, (FINISHED,))
        connection.execute(_WAIT, (WAITING,))
        connection.execute("VACUUM ANALYZE jobs, done")
    return store


def plans_of(connection: psycopg.Connection[Any], statement: str) -> list[str]:
    """The plans of all statements inside of one, as the server made them."""
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    connection.execute("LOAD 'auto_explain'")
    for setting in ("log_min_duration = 0", "log_nested_statements = on", "log_analyze = on"):
        connection.execute(f"SET auto_explain.{setting}")
    connection.execute("SET client_min_messages = log")
    connection.execute(statement)
    return told


@pytest.mark.parametrize(
    "statement",
    [
        """SELECT claim('{"worker":"w","ticket":1,"joined":false,"lease":8,"queues":[["q1",5],["q2",5]],"most":10,
           "tasks":["t"]}', false, NULL)""",
        """SELECT settle('[{"n":0,"seq":1,"attempt":1,"worker":"w","ended_at":1}]', NULL, NULL, false)""",
        """SELECT put('[{"id":"a","task":"t","args":"","queue":"q","priority":0,"created_at":1,"held":false,
           "at_most_once":false,"crash_budget":3}]', NULL, false)""",
        """SELECT look('["q1","q2"]', '["old1","new1","none"]', NULL)""",
        "SELECT take_back('w', 1.0, true)",
    ],
    ids=["claim", "settle", "put", "look", "take back"],
)
def test_no_step_of_a_jobs_life_reads_through_a_table(full: PostgresStore, postgres_url: str, statement: str) -> None:
    with plain(postgres_url) as connection:
        plans = plans_of(connection, statement)
    assert any("Index" in plan for plan in plans)
    assert not [plan for plan in plans if re.search(r"Seq Scan on (jobs|done|attempts|unique_keys)", plan)]


QUESTIONS = {
    "everything": Query(),
    **{f"state {state.word}": Query(states=(state,)) for state in (State.SCHEDULED, State.SUCCEEDED, State.DEAD)},
    "queue": Query(queue="q3"),
    "queue and state": Query(queue="q3", states=(State.READY, State.DEAD)),
    "task and state": Query(task="t3", states=(State.SUCCEEDED,)),
    "ids": Query(ids=("old5", "new5")),
    "tag": Query(tag="none"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_page_is_found_without_sorting_or_reading_through_what_has_ended(full: PostgresStore, name: str) -> None:
    async def course() -> float:
        await full.find(QUESTIONS[name])
        began = time.perf_counter()
        page = await full.find(QUESTIONS[name], 50)
        if page.after is not None:
            await full.find(QUESTIONS[name], 50, page.after)
        taken = time.perf_counter() - began
        await full.close()
        return taken

    assert quickest(lambda: asyncio.run(course()), 0.25) < 0.25


def test_a_claim_among_many_finished_jobs_takes_no_longer(full: PostgresStore) -> None:
    async def course() -> float:
        await full.enqueue([make_job() for _ in range(200)])
        began = time.perf_counter()
        assert len(await work_off(full, limit=10)) == 200
        taken = time.perf_counter() - began
        await full.close()
        return taken

    assert quickest(lambda: asyncio.run(course()), 4.0) < 4.0


def test_a_count_of_very_many_jobs_is_kept_for_a_moment_and_one_of_few_never(full: PostgresStore) -> None:
    async def course() -> None:
        clock = ManualClock(2.0)
        store = PostgresStore(full.url, clock)
        assert await store.count(Query()) == FINISHED + WAITING
        for number in range(1, 4):
            await store.enqueue([make_job()])
            assert await store.count(Query(queue="default")) == number
        assert await store.count(Query()) == FINISHED + WAITING
        clock.advance(600)
        assert await store.count(Query()) == FINISHED + WAITING + 3
        await store.close()

    asyncio.run(course())


def test_the_oldest_ready_job_of_each_queue_is_found_at_once(full: PostgresStore) -> None:
    async def course() -> float:
        await full.enqueue([make_job(queue="q1", priority=9, created_at=0.5)])
        began = time.perf_counter()
        oldest = {queue.name: queue.oldest_ready for queue in await full.queues()}
        taken = time.perf_counter() - began
        assert (oldest["q1"], oldest["q2"]) == (0.5, 1.0)
        await full.close()
        return taken

    assert quickest(lambda: asyncio.run(course()), 2.0) < 2.0


async def pass_through(store: PostgresStore, number: int) -> None:
    """Each job leaves two dead rows: one when it is claimed, one when it ends."""
    await store.enqueue([make_job() for _ in range(number)])
    assert len(await work_off(store, limit=250)) == number


@pytest.mark.slow
def test_the_live_table_does_not_grow_while_thirty_thousand_jobs_pass_through_it(
    own_postgres: Callable[..., Postgres],
) -> None:
    """Autovacuum comes when it finds the time; here a vacuum comes whenever one is due, however busy the machine.

    On a server of its own, because a transaction of somebody else would keep every vacuum from its work.
    """
    server = own_postgres(autovacuum="off")

    async def course() -> list[int]:
        store = PostgresStore(at(server.url, durability="normal"))
        await store.open()
        sizes: list[int] = []
        with plain(server.url, autocommit=True) as connection:
            for _ in range(30):
                await pass_through(store, DEAD_ROWS // 2)
                connection.execute("VACUUM jobs")
                sizes += connection.execute("SELECT pg_total_relation_size('jobs')").fetchone() or ()
        await store.close()
        return sizes

    sizes = asyncio.run(course())
    # From the third round on, the pages that one round leaves are those that the next one takes.
    assert max(sizes[3:]) <= 1.1 * sizes[2], sizes


@pytest.mark.slow
def test_the_server_itself_vacuums_the_live_table_however_many_jobs_wait_in_it(
    full: PostgresStore, postgres_url: str
) -> None:
    async def course() -> None:
        await pass_through(full, DEAD_ROWS * 3 // 4)
        await full.close()

    with plain(postgres_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE jobs SET (autovacuum_vacuum_insert_threshold = -1)")
        assert WAITING / 5 > 1.5 * DEAD_ROWS, "the settings of any other table would call for a vacuum, too"
        asyncio.run(course())
        vacuums = "SELECT autovacuum_count FROM pg_stat_user_tables WHERE relid = 'jobs'::regclass"
        until(lambda: connection.execute(vacuums).fetchone() != (0,), 60.0)
