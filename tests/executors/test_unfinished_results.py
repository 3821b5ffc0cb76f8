"""A result that a run began to write and did not complete: nothing of it stays, however the run ended."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from queuemgr import Cancel, Snooze, current_job
from queuemgr.context import JobContext
from queuemgr.errors import StoreUnavailable
from queuemgr.executor import Call, Executor, Why
from queuemgr.executors.aio import AioExecutor
from queuemgr.executors.threads import ThreadExecutor
from queuemgr.outcome import Cancelled, Done, Failed, Outcome, Snoozed
from queuemgr.result import Reference, Results
from queuemgr.results.files import FilePlace
from queuemgr.results.keeper import ResultKeeper
from queuemgr.results.writer import ResultWriter
from tests.executors.calls import CODEC, Heard, make_call

EXECUTORS: list[Callable[[], Executor]] = [AioExecutor, ThreadExecutor]
ROW = "x" * 10_000


def begin() -> Any:
    """More than a frame, so that a thread and a file are at work."""
    out = current_job().result_writer()
    out.extend([ROW] * 100)
    assert "queuemgr result" in threads()
    return out


def fails() -> None:
    begin()
    raise ValueError("no more")


def leaves_the_block() -> None:
    with begin():
        raise ValueError("no more")


def returns_a_snooze() -> Snooze:
    begin()
    return Snooze(60)


def raises_a_snooze() -> None:
    begin()
    raise Snooze(60)


def cancels_itself() -> Cancel:
    begin()
    return Cancel()


def returns_another_value() -> str:
    begin()
    return "another"


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "queuemgr result"]


@pytest.fixture
def calling(tmp_path: Path) -> Callable[[Callable[..., Any]], Call]:
    """Makes a call whose results are kept in a folder."""
    keeper = ResultKeeper(lambda: FilePlace(tmp_path), CODEC, None, Results())

    def call(function: Callable[..., Any]) -> Call:
        made = make_call(function)
        lease = made.lease
        context = JobContext(lease.id, lease.task, lease.queue, lease.attempt, Heard(), keeper)
        return replace(made, context=context)

    return call


def run(executor: Executor, call: Call) -> Outcome:
    async def main() -> Outcome:
        await executor.open()
        try:
            return await executor.run(call)
        finally:
            await executor.close()

    return asyncio.run(main())


@pytest.mark.parametrize("make", EXECUTORS)
@pytest.mark.parametrize(
    ("task", "outcome"),
    [
        (fails, Failed),
        (leaves_the_block, Failed),
        (returns_a_snooze, Snoozed),
        (raises_a_snooze, Snoozed),
        (cancels_itself, Cancelled),
        (returns_another_value, Failed),
    ],
)
def test_nothing_stays_of_a_result_that_was_left_open(
    make: Callable[[], Executor], task: Any, outcome: type[Outcome], calling: Any, tmp_path: Path
) -> None:
    assert isinstance(run(make(), calling(task)), outcome)
    assert (threads(), list(tmp_path.glob("drafts/*"))) == ([], [])


@pytest.mark.parametrize("make", EXECUTORS)
def test_nothing_stays_of_the_result_of_a_run_that_was_stopped(
    make: Callable[[], Executor], calling: Any, tmp_path: Path
) -> None:
    begun, executor = threading.Event(), make()

    async def wait() -> None:
        begin()
        begun.set()
        await asyncio.Event().wait()

    def loop() -> None:
        begin()
        begun.set()
        for _ in itertools.count():
            pass

    async def main() -> Outcome:
        await executor.open()
        call = calling(wait if make is AioExecutor else loop)
        running = asyncio.create_task(executor.run(call))
        assert await asyncio.to_thread(begun.wait, 60)
        executor.interrupt(call, Why.CANCEL)
        outcome = await running
        await executor.close()
        return outcome

    assert isinstance(asyncio.run(main()), Cancelled)
    assert (threads(), list(tmp_path.glob("drafts/*"))) == ([], [])


@pytest.mark.parametrize("make", EXECUTORS)
def test_a_result_that_is_returned_open_is_completed(
    make: Callable[[], Executor], calling: Any, tmp_path: Path
) -> None:
    outcome = run(make(), calling(begin))
    assert isinstance(outcome, Done)
    assert Reference.read(outcome.result) is not None
    assert (threads(), len(list(tmp_path.glob("kept/*/result.zst")))) == ([], 1)


@pytest.mark.parametrize("make", EXECUTORS)
def test_what_cannot_be_removed_does_not_hide_how_the_run_ended(
    make: Callable[[], Executor], calling: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    discard = ResultWriter.discard

    def refuse(writer: ResultWriter, error: BaseException | None = None) -> None:
        discard(writer, error)
        raise StoreUnavailable("the file system is read-only")

    monkeypatch.setattr(ResultWriter, "discard", refuse)
    outcome = run(make(), calling(fails))
    assert isinstance(outcome, Failed)
    assert outcome.error["message"] == "no more"
