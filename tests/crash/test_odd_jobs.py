"""What a job says or raises may be as odd as it likes: it takes down neither its worker nor another job's end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from queuemgr import App, Cancel, Snooze, current_job
from queuemgr.job import JobRecord, State
from queuemgr.store import Settlement
from queuemgr.testing.history import problems_of, words_of

HALF = "half a character: \ud800"


@pytest.fixture
def app(store_url: str) -> Iterator[App]:
    app = App(store_url, attempts=1)
    try:
        yield app
    finally:
        app.close()


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


def cancel_oddly() -> NoReturn:
    raise Cancel(HALF)


def fail_oddly() -> NoReturn:
    raise ValueError(HALF)


def fail_unspeakably() -> NoReturn:
    raise Unspeakable


def note_oddly() -> None:
    current_job().progress(50, HALF)


def note_a_list() -> None:
    current_job().progress(float("nan"), ["no", "text"])  # type: ignore[arg-type]


def print_oddly() -> None:
    current_job().output("stdout", HALF)


def snooze_for_no_number() -> NoReturn:
    raise Snooze(float("nan"))


def end_the_process() -> NoReturn:
    sys.exit(3)


def press_a_key() -> NoReturn:
    raise KeyboardInterrupt


ODD: dict[Any, State] = {
    cancel_oddly: State.CANCELLED,
    fail_oddly: State.DEAD,
    fail_unspeakably: State.DEAD,
    note_oddly: State.SUCCEEDED,
    note_a_list: State.SUCCEEDED,
    print_oddly: State.SUCCEEDED,
    snooze_for_no_number: State.DEAD,
    end_the_process: State.DEAD,
    press_a_key: State.DEAD,
}


def work(app: App, *task_names: str) -> dict[str, JobRecord]:
    """Run one job of each task in the same worker, until nothing is ready."""

    async def run() -> dict[str, JobRecord]:
        calls = {name: app.tasks[name].call() for name in task_names}
        await app.aio.enqueue_many(calls.values())
        assert await asyncio.wait_for(app.worker(burst=True).run(), 20)
        records = {name: await app.aio.get(call.job.id) for name, call in calls.items()}
        await app.aio.store.close()
        return records

    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["thread", "async"])
def test_an_odd_job_ends_and_so_do_the_others_beside_it(app: App, kind: str) -> None:
    for function in ODD:
        if kind == "thread":
            app.task(name=function.__name__)(function)
        else:
            app.task(name=function.__name__)(_as_coroutine(function))
    app.task(name="plain")(lambda: 7)
    records = work(app, "plain", *(function.__name__ for function in ODD))
    assert records.pop("plain").state is State.SUCCEEDED
    assert {name: record.state for name, record in records.items()} == {
        function.__name__: state for function, state in ODD.items()
    }
    assert [problem for record in records.values() for problem in problems_of(record)] == []


def _as_coroutine(function: Any) -> Any:
    async def run() -> None:
        function()

    return run


@pytest.mark.parametrize("backoff", [lambda failures: 1 / 0, lambda failures: "soon"])
def test_a_backoff_that_fails_ends_the_job_and_leaves_it_with_nobody(app: App, backoff: Any) -> None:
    app.task(name="fail", attempts=3, backoff=backoff)(fail_oddly)
    record = work(app, "fail")["fail"]
    assert (record.state, words_of(record)) == (State.DEAD, ["failed"])


def test_an_end_that_cannot_be_written_down_is_a_failure_and_keeps_no_other_end(app: App) -> None:
    app.task(name="plain")(lambda: 7)
    app.task(name="unwritable")(lambda: 13)
    settle = app.aio.store.settle

    async def refuse(settlements: list[Settlement]) -> list[bool]:
        if any(one.result == b"13" for one in settlements):
            raise OverflowError("too odd for any store")
        return await settle(settlements)

    app.aio.store.settle = refuse  # type: ignore[method-assign,assignment]
    records = work(app, "plain", "unwritable")
    assert records["plain"].state is State.SUCCEEDED
    assert records["unwritable"].state is State.DEAD
    assert "could not be written down" in str(records["unwritable"].error)


def test_a_worker_in_a_program_that_lives_on_gives_everything_back_when_it_is_cancelled(app: App) -> None:
    begun = asyncio.Event()

    @app.task(name="endless")
    async def endless() -> None:
        begun.set()
        await asyncio.sleep(60)

    async def run() -> JobRecord:
        handle = await endless.aenqueue()
        working = asyncio.create_task(app.worker().run())
        await begun.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert await app.aio.workers() == []
        record = await app.aio.get(handle.id)
        await app.aio.store.close()
        return record

    record = asyncio.run(run())
    assert (record.state, words_of(record), record.failures) == (State.READY, ["given back"], 0)
