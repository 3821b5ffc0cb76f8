"""What goes wrong with the server is survived where that is safe, and told in a sentence where it is not."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
import pytest

from queuemgr.errors import ConfigError, JobExists, StoreError, StoreUnavailable
from queuemgr.job import State, Unique
from queuemgr.outcome import SUCCEEDED
from queuemgr.store import Query, Settlement
from queuemgr.stores.postgres.faults import Refused
from queuemgr.stores.postgres.patience import PATIENCE
from queuemgr.stores.postgres.store import PostgresStore
from tests.pace import quickest
from tests.postgres.rig import at, claim_of, make_job, plain, work_off
from tests.servers.postgres import Postgres

T = TypeVar("T")
OwnPostgres = Callable[..., Postgres]

_END_ALL = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = %s AND pid <> pg_backend_pid()
"""


def named(url: str, name: str) -> str:
    return at(url, application_name=name)


def end_connections(url: str, name: str) -> int:
    with plain(url, autocommit=True) as connection:
        row = connection.execute(_END_ALL, (name,)).fetchone()
    assert row is not None
    return int(row[0])


def test_a_store_whose_connections_were_ended_goes_on(postgres_url: str) -> None:
    async def course() -> None:
        store = PostgresStore(named(postgres_url, postgres_url[-8:]))
        store.enqueue_now([make_job()])
        for _ in range(3):
            await store.enqueue([make_job()])
            assert len(await work_off(store)) >= 1
            assert end_connections(postgres_url, postgres_url[-8:]) >= 2
            store.enqueue_now([make_job()])
        await work_off(store)
        assert await store.count(Query(states=(State.SUCCEEDED,))) == await store.count(Query()) == 7
        await store.close()

    asyncio.run(course())


def test_no_job_is_lost_or_stranded_while_connections_are_ended_in_mid_work(postgres_url: str) -> None:
    name = postgres_url[-8:]

    async def disturbed(work: Awaitable[T]) -> T:
        """While it goes on, and not only before and after, every connection of the store is ended."""
        answer, _ = await asyncio.gather(work, asyncio.to_thread(end_connections, postgres_url, name))
        return answer

    async def work_on(store: PostgresStore) -> list[str]:
        ids: list[str] = []
        while leases := (await disturbed(store.claim(claim_of(limit=9)))).leases:
            ids += [lease.id for lease in leases]
            ends = [Settlement(lease, "w", SUCCEEDED, time.time()) for lease in leases]
            assert all(await disturbed(store.settle(ends)))
        return ids

    async def course() -> None:
        store = PostgresStore(named(postgres_url, name))
        await store.open()
        batches = [[make_job() for _ in range(10)] for _ in range(12)]
        for batch in batches:
            await disturbed(store.enqueue(batch))
        assert sorted(await work_on(store)) == sorted(job.id for batch in batches for job in batch)
        assert await store.count(Query(states=(State.SUCCEEDED,))) == await store.count(Query()) == 120
        await store.close()

    asyncio.run(course())


def test_a_waiter_whose_connection_was_ended_is_woken_all_the_same(postgres_url: str) -> None:
    async def course() -> None:
        store, other = PostgresStore(named(postgres_url, postgres_url[-8:])), PostgresStore(postgres_url)
        await store.open()
        waiter = asyncio.create_task(store.wait(["default"], 60.0))
        await asyncio.sleep(0.2)
        assert end_connections(postgres_url, postgres_url[-8:]) >= 1
        await asyncio.sleep(0.1)
        await other.enqueue([make_job()])
        await asyncio.wait_for(waiter, 1.5)
        await store.close()
        await other.close()

    asyncio.run(course())


class Deaf:
    """Loses the answer of the next question of a name, after the server has committed."""

    def __init__(self, store: PostgresStore, name: str) -> None:
        from queuemgr.stores.postgres import wire

        self._original = wire.answer_of
        self._asked = wire.Wire._exchange
        self.lost = 0

        async def exchange(self_: wire.Wire, link: object, question: object) -> bytes | None:
            answer = await self._asked(self_, link, question)  # type: ignore[arg-type]
            if question.name == name and not self.lost:  # type: ignore[attr-defined]
                self.lost += 1
                raise Refused("", "the answer was lost")
            return answer

        self._exchange = exchange

    def __enter__(self) -> Deaf:
        from queuemgr.stores.postgres import wire

        wire.Wire._exchange = self._exchange  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        from queuemgr.stores.postgres import wire

        wire.Wire._exchange = self._asked  # type: ignore[method-assign]


@pytest.mark.parametrize("unique", [None, Unique("key")])
def test_an_enqueue_whose_answer_was_lost_is_one_job(store: PostgresStore, unique: Unique | None) -> None:
    async def course() -> None:
        await store.open()
        with Deaf(store, "enqueue" if unique else "put_one") as deaf:
            job = make_job(unique=unique)
            assert [done.id for done in await store.enqueue([job])] == [job.id]
        assert deaf.lost == 1
        assert await store.count(Query()) == 1
        await store.close()

    asyncio.run(course())


def test_a_claim_whose_answer_was_lost_brings_the_jobs_that_it_leased(store: PostgresStore) -> None:
    async def course() -> None:
        ids = [done.id for done in await store.enqueue([make_job() for _ in range(5)])]
        with Deaf(store, "claim") as deaf:
            leases = (await store.claim(claim_of(limit=3))).leases
        assert deaf.lost == 1
        assert [(lease.id, lease.attempt) for lease in leases] == [(job_id, 1) for job_id in ids[:3]]
        assert [lease.id for lease in (await store.claim(claim_of())).leases] == ids[3:]
        await store.close()

    asyncio.run(course())


def test_a_settlement_whose_answer_was_lost_counts_once(store: PostgresStore) -> None:
    async def course() -> None:
        await store.enqueue([make_job() for _ in range(2)])
        leases = (await store.claim(claim_of())).leases
        ends = [Settlement(lease, "w", SUCCEEDED, time.time()) for lease in leases]
        with Deaf(store, "settle") as deaf:
            assert await store.settle(ends) == [True, True]
        assert deaf.lost == 1
        assert await store.settle(ends) == [False, False]
        await store.close()

    asyncio.run(course())


def test_a_server_that_restarts_under_load_loses_nothing_that_was_acknowledged(own_postgres: OwnPostgres) -> None:
    server = own_postgres()

    async def produce(store: PostgresStore) -> list[str]:
        ids: list[str] = []
        while len(ids) < 400:
            ids += [done.id for done in await store.enqueue([make_job()])]
        return ids

    async def course() -> None:
        store = PostgresStore(server.url)
        await store.open()
        producing = asyncio.gather(*(produce(store) for _ in range(2)))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(_restart, server)
        ids = [job_id for some in await producing for job_id in some]
        assert sorted(await work_off(store)) == sorted(ids)
        await store.close()

    asyncio.run(course())


def _restart(server: Postgres) -> None:
    server.kill()
    server.start()


def test_a_server_that_is_gone_is_told_at_once_by_a_new_store(own_postgres: OwnPostgres) -> None:
    server = own_postgres()
    server.kill()

    def seconds_to_tell() -> float:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            asyncio.run(PostgresStore(server.url).open())
        return time.monotonic() - began

    # One that has reached it before asks on for twice as long.
    assert quickest(seconds_to_tell, PATIENCE / 2) < PATIENCE / 2


@pytest.mark.parametrize(("more", "limit"), [({}, 6000), ({"tcp_user_timeout": "30000"}, 30000)])
def test_a_machine_that_is_gone_without_a_word_is_given_up_by_the_kernel(
    postgres_url: str, more: dict[str, str], limit: int
) -> None:
    store = PostgresStore(at(postgres_url, **more))
    store.enqueue_now([make_job()])
    assert store._db.producers._link is not None
    with socket.socket(fileno=os.dup(store._db.producers._link.socket)) as ours:
        told = [ours.getsockopt(socket.IPPROTO_TCP, what) for what in (socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE)]
    assert told == [limit, 10]
    asyncio.run(store.close())


def test_a_database_that_does_not_exist_is_named(postgres_url: str) -> None:
    with pytest.raises(StoreError, match="createdb"):
        asyncio.run(PostgresStore(postgres_url.replace("/queuemgr?", "/nowhere?")).open())


def test_a_database_that_cannot_hold_every_text_is_named_and_the_clients_encoding_does_not_count(
    own_postgres: OwnPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = own_postgres()
    server.do("CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(ConfigError, match=r"texts as LATIN1.*ENCODING 'UTF8'"):
        PostgresStore(server.url.removesuffix("queuemgr") + "old").enqueue_now([make_job()])
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    store = PostgresStore(f"{server.url}?client_encoding=latin1")
    store.enqueue_now([make_job(queue="päckchen 数")])
    assert [queue.name for queue in asyncio.run(store.queues())] == ["päckchen 数"]
    asyncio.run(store.close())


def test_a_user_who_does_not_exist_is_told_to_check_the_address(postgres_url: str) -> None:
    with pytest.raises(StoreError, match="user and password"):
        asyncio.run(PostgresStore(postgres_url.replace("queuemgr@", "nobody-here:secret@")).open())


def test_too_many_connections_are_named(own_postgres: OwnPostgres) -> None:
    server = own_postgres(max_connections="4", superuser_reserved_connections="0", max_wal_senders="0")
    crowd = [psycopg.connect(server.url) for _ in range(4)]
    with pytest.raises(StoreUnavailable, match="max_connections"):
        PostgresStore(server.url).enqueue_now([make_job()])
    for one in crowd:
        one.close()


def test_a_read_only_server_is_named(postgres_url: str, store: PostgresStore) -> None:
    asyncio.run(store.open())
    reader = PostgresStore(at(postgres_url, options="-cdefault_transaction_read_only%3Don"))
    assert asyncio.run(reader.count(Query())) == 0
    with pytest.raises(StoreUnavailable, match="read-only"):
        asyncio.run(reader.pause("default"))
    asyncio.run(reader.close())


def test_a_statement_that_takes_too_long_is_named(postgres_url: str, store: PostgresStore) -> None:
    asyncio.run(store.open())
    hurried = PostgresStore(at(postgres_url, options="-cstatement_timeout%3D200"))
    with plain(postgres_url) as connection:
        connection.execute("LOCK TABLE jobs")
        with pytest.raises(StoreUnavailable, match="statement_timeout"):
            hurried.enqueue_now([make_job()])
    asyncio.run(hurried.close())


def test_of_jobs_that_are_enqueued_together_only_the_bad_one_is_refused(store: PostgresStore) -> None:
    async def course() -> None:
        await store.open()
        jobs = [make_job(), make_job(queue="a\0b"), make_job()]
        answers = await asyncio.gather(*(store.enqueue([job]) for job in jobs), return_exceptions=True)
        assert [isinstance(answer, StoreError) for answer in answers] == [False, True, False]
        assert "NUL" in str(answers[1])
        assert await store.count(Query()) == 2
        await store.close()

    asyncio.run(course())


def test_producers_of_the_same_keys_never_wait_for_one_another_for_ever(store: PostgresStore) -> None:
    async def course() -> None:
        await store.open()
        keys = [Unique(str(number), on_conflict="replace") for number in range(8)]
        stores = [PostgresStore(store.url) for _ in range(3)]
        batches = [[make_job(unique=key) for key in (keys if n % 2 else keys[::-1])] for n in range(12)]
        await asyncio.gather(*(stores[n % 3].enqueue(batch) for n, batch in enumerate(batches)))
        assert await store.count(Query(states=(State.READY,))) == 8
        with pytest.raises(JobExists):
            await store.enqueue([make_job(unique=Unique("3"))])
        for one in (*stores, store):
            await one.close()

    asyncio.run(course())


def test_a_forked_child_has_connections_of_its_own(store: PostgresStore) -> None:
    store.enqueue_now([make_job()])
    asyncio.run(store.count(Query()))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            store.enqueue_now([make_job()])
            code = 0 if asyncio.run(store.count(Query())) == 2 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.enqueue_now([make_job()])
    assert asyncio.run(store.count(Query())) == 3


def test_threads_share_commits_and_lose_nothing(store: PostgresStore) -> None:
    def produce() -> None:
        for _ in range(50):
            store.enqueue_now([make_job()])

    threads = [threading.Thread(target=produce) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asyncio.run(store.count(Query())) == 400
