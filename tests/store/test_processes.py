"""Several processes at one file: their turns are fair, a fork is safe, and the first opening is not a race."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from math import inf
from pathlib import Path

import pytest

from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.stores.sqlite.store import SqliteStore
from queuemgr.testing.elsewhere import Elsewhere
from tests.pace import quickest
from tests.servers.process import until_async
from tests.store.rig import make_job, start_python, waits

PRODUCE_FOR_A_WHILE = """
    store = SqliteStore(f"sqlite:///{sys.argv[1]}")
    store.enqueue_now([make_job()])
    print("ready", flush=True)
    sys.stdin.readline()
    number, longest, end = 0, 0.0, time.monotonic() + 1.5
    while (began := time.monotonic()) < end:
        store.enqueue_now([make_job()])
        number, longest = number + 1, max(longest, time.monotonic() - began)
    print(number, longest)
    store.close_now()
"""


def test_four_processes_that_write_all_the_time_get_fair_shares(path: Path) -> None:
    assert quickest(lambda: longest_wait_in_a_crowd(path), 1.0, tries=8) < 1.0


def longest_wait_in_a_crowd(path: Path) -> float:
    """In seconds; endless where one of them got less than a third of what was due to it."""
    with ExitStack() as stack:
        crowd = [stack.enter_context(start_python(PRODUCE_FOR_A_WHILE, path)) for _ in range(4)]
        for one in crowd:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in crowd:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        answers = [one.communicate()[0].split() for one in crowd]
    numbers = [int(number) for number, _ in answers]
    fair = min(numbers) > sum(numbers) / 4 / 3
    return max(float(longest) for _, longest in answers) if fair else inf


def test_six_processes_may_open_a_new_file_at_the_same_moment(path: Path) -> None:
    with ExitStack() as stack:
        crowd = [stack.enter_context(Elsewhere(f"sqlite:///{path}")) for _ in range(6)]
        for one in crowd:
            one.send("enqueue", 2)
        ids = [job_id for one in crowd for job_id in one.answer()[1]]
    store = SqliteStore(f"sqlite:///{path}")
    try:
        assert asyncio.run(store.count(Query(ids=tuple(ids)))) == 12
    finally:
        store.close_now()


WRITE_TO_TWO = """
    import threading
    stores = [SqliteStore(f"sqlite:///{path}") for path in sys.argv[1:3]]
    failed = []
    def produce(store):
        try:
            for _ in range(300):
                store.enqueue_now([make_job()])
        except BaseException as error:
            failed.append(error)
    threads = [threading.Thread(target=produce, args=(store,)) for store in stores]
    for step in (threading.Thread.start, threading.Thread.join):
        for thread in threads:
            step(thread)
    for store in stores:
        store.close_now()
    print(failed)
"""


def test_processes_that_write_to_the_same_two_files_are_no_deadlock(tmp_path: Path) -> None:
    with ExitStack() as stack:
        paths = (tmp_path / "a.db", tmp_path / "b.db")
        crowd = [stack.enter_context(start_python(WRITE_TO_TWO, *paths)) for _ in range(3)]
        answers = [one.communicate() for one in crowd]
    assert answers == [("[]\n", "")] * 3


@contextmanager
def forked(work: Callable[[], object]) -> Iterator[Callable[[], object]]:
    """Run `work` in a forked child; inside, the given function waits for the child and returns what it answered."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(writing, json.dumps(work()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    waited: list[int] = []

    def answer() -> object:
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read()
        waited.append(os.waitpid(child, 0)[1])
        assert waited == [0]
        return json.loads(told)

    try:
        yield answer
    finally:
        if not waited:
            os.waitpid(child, 0)


def test_a_forked_child_enqueues_like_its_parent(store: SqliteStore, path: Path) -> None:
    asyncio.run(store.enqueue([make_job()]))
    with forked(lambda: store.enqueue_now([make_job()])[0].id) as answer:
        mine = store.enqueue_now([make_job()])[0].id
        childs = answer()
    found = asyncio.run(store.find(Query())).jobs
    assert {mine, childs} < {job.id for job in found}
    assert len(found) == 3


def test_a_forked_child_may_begin_with_any_verb_and_its_own_loop(store: SqliteStore) -> None:
    first = store.enqueue_now([make_job()])[0].id
    asyncio.run(store.get(first))

    async def use() -> list[object]:
        read = (await store.get(first)).state
        second = (await store.enqueue([make_job()]))[0].id
        await store.wait(["default"], 5)
        return [read, second, await store.wait_finished(first, 0.0)]

    with forked(lambda: asyncio.run(asyncio.wait_for(use(), 10))) as answer:
        told = answer()
    assert isinstance(told, list)
    assert (told[0], told[2]) == (State.READY, None)
    assert asyncio.run(store.get(told[1])).state is State.READY


def test_a_forked_child_that_closes_the_store_closes_it_for_itself_alone(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("queuemgr.stores.sqlite.waiting.LOOK_ANYWAY", 60.0)

    async def fork_while_waiting() -> None:
        await store.open()
        waiter = asyncio.create_task(store.wait(["default"], 60))
        await until_async(lambda: waits(store))
        with forked(store.close_now) as answer:
            assert answer() is None
        store.enqueue_now([make_job()])
        await asyncio.wait_for(waiter, 30)

    asyncio.run(fork_while_waiting())
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM queuemgr_jobs").fetchone() == (1,)
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_a_forked_child_enqueues_is_kept_when_its_parent_closes_the_store_first(store: SqliteStore) -> None:
    store.enqueue_now([make_job()])
    opened, wait_opened = os.pipe()
    closed, wait_closed = os.pipe()

    def enqueue_before_and_after() -> list[str]:
        first = store.enqueue_now([make_job()])[0].id
        os.write(wait_opened, b".")
        os.read(closed, 1)
        return [first, store.enqueue_now([make_job()])[0].id]

    with forked(enqueue_before_and_after) as answer:
        os.read(opened, 1)
        store.close_now()
        os.write(wait_closed, b".")
        ids = answer()
    for end in (opened, wait_opened, closed, wait_closed):
        os.close(end)
    assert isinstance(ids, list)
    assert asyncio.run(store.count(Query(ids=tuple(ids)))) == 2
    assert asyncio.run(store.count(Query())) == 3


def test_a_fork_in_the_midst_of_other_threads_writes_stops_nobody(store: SqliteStore) -> None:
    store.enqueue_now([make_job()])
    over = threading.Event()
    written: list[str] = []

    def produce() -> None:
        while not over.is_set():
            written.append(store.enqueue_now([make_job()])[0].id)

    threads = [threading.Thread(target=produce) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            with forked(lambda: store.enqueue_now([make_job()])[0].id) as answer:
                written.append(str(answer()))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert asyncio.run(store.count(Query())) == len(set(written)) + 1
