"""Stopping jobs in processes: gently, then by force, with everything that they started, at any moment of a run."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from queuemgr.executor import Call, Why
from queuemgr.executors.processes import ProcessExecutor, nursery
from queuemgr.executors.processes import executor as module
from queuemgr.outcome import Cancelled, Crashed, Done, Failed, GivenBack, Outcome
from tests.executors import process_tasks as tasks
from tests.executors.process_rig import APP, began, below, gone, make, run, until, use, value

if TYPE_CHECKING:
    from queuemgr.task import Task

pytestmark = pytest.mark.crash
both = pytest.mark.parametrize("kind", ["process", "pool"])


def stop(call: Call, note: Path, why: Why = Why.CANCEL, **settings: Any) -> tuple[Outcome, list[psutil.Process]]:
    """What becomes of a call that is stopped as soon as it has written its note; all that it named is gone then."""

    async def body(executor: ProcessExecutor) -> tuple[Outcome, list[psutil.Process]]:
        job = asyncio.create_task(executor.run(call))
        named = await began(note)
        executor.interrupt(call, why)
        outcome = await job
        await gone(named)
        return outcome, named

    return use(body, **settings)


@both
@pytest.mark.parametrize("task", [tasks.hold, tasks.hold_async])
def test_a_stopped_job_can_clean_up(kind: str, task: Task[..., Any, Any], tmp_path: Path) -> None:
    note = tmp_path / "note"
    call = make(task, str(note), kind=kind)
    outcome, _ = stop(call, note)
    assert outcome == Cancelled("cancelled while running, by SIGTERM")
    assert note.read_text().splitlines()[1:] == ["cleaned up True"]
    assert call.context.stopping


@pytest.mark.parametrize(
    ("why", "kind", "words"),
    [
        (Why.CANCEL, Cancelled, "cancelled while running, by SIGTERM"),
        (Why.STOP, GivenBack, "the worker stopped"),
        (Why.LOST, GivenBack, "the lease was lost"),
    ],
)
def test_the_outcome_tells_why_it_was_stopped(why: Why, kind: type, words: str, tmp_path: Path) -> None:
    outcome, _ = stop(make(tasks.hold, str(tmp_path / "note")), tmp_path / "note", why)
    assert outcome == kind(words)


@both
def test_a_job_out_of_time_is_a_failure_that_says_so(kind: str, tmp_path: Path) -> None:
    call = make(tasks.hold, str(tmp_path / "note"), kind=kind, timeout=3.0)
    outcome, _ = stop(call, tmp_path / "note", Why.TIMEOUT)
    assert isinstance(outcome, Failed)
    assert outcome.error == {"type": "queuemgr.errors.TimedOut", "message": "stopped after 3.0 s by SIGTERM"}
    assert outcome.peak_memory


@both
def test_a_job_that_ignores_sigterm_is_killed(kind: str, tmp_path: Path) -> None:
    outcome, _ = stop(make(tasks.hold_on, str(tmp_path / "note"), kind=kind), tmp_path / "note", grace=0.1)
    assert outcome == Cancelled("cancelled while running, by SIGKILL")


@both
def test_a_job_that_swallows_the_stop_has_been_stopped_anyway(kind: str, tmp_path: Path) -> None:
    outcome, _ = stop(make(tasks.swallow, str(tmp_path / "note"), kind=kind), tmp_path / "note")
    assert outcome == Cancelled("cancelled while running, by SIGTERM")


@both
def test_stopping_a_job_leaves_nothing_of_its_process_tree(kind: str, tmp_path: Path) -> None:
    outcome, tree = stop(make(tasks.plant_tree, str(tmp_path / "note"), kind=kind), tmp_path / "note")
    assert outcome == Cancelled("cancelled while running, by SIGTERM")
    assert len(tree) == 3


@both
def test_stopping_a_job_ends_those_who_left_its_group_too(kind: str, tmp_path: Path) -> None:
    note = tmp_path / "note"
    _, tree = stop(make(tasks.plant_tree, str(note), kind=kind, named={"leave_group": True}), note)
    assert len(tree) == 3


@both
def test_stopping_a_job_ends_those_whose_own_parent_is_gone_too(kind: str, tmp_path: Path) -> None:
    _, tree = stop(make(tasks.detach, str(tmp_path / "note"), kind=kind), tmp_path / "note")
    assert len(tree) == 1


@both
def test_what_a_job_leaves_running_ends_with_it(kind: str, tmp_path: Path) -> None:
    async def body(executor: ProcessExecutor) -> Outcome:
        call = make(tasks.plant_tree, str(tmp_path / "note"), kind=kind, named={"wait": False})
        outcome = await executor.run(call)
        words = (tmp_path / "note").read_text().split()
        await until(lambda: not any(psutil.pid_exists(int(word)) for word in words[1:]))
        assert len(words) == 4
        return outcome

    assert isinstance(use(body), Done)


def test_a_pool_goes_on_with_another_process_after_a_stop(tmp_path: Path) -> None:
    async def body(executor: ProcessExecutor) -> set[int]:
        first = value(await executor.run(make(tasks.about, kind="pool")))["pid"]
        call = make(tasks.hold, str(tmp_path / "note"), kind="pool")
        job = asyncio.create_task(executor.run(call))
        await began(tmp_path / "note")
        executor.interrupt(call, Why.CANCEL)
        second = value(await executor.run(make(tasks.about, kind="pool")))["pid"]
        await job
        return {first, second}

    assert len(use(body, size=1)) == 2


def test_a_job_that_ignored_signals_keeps_no_later_one_from_being_stopped(tmp_path: Path) -> None:
    async def body(executor: ProcessExecutor) -> tuple[int, list[str], Outcome]:
        pid = value(await executor.run(make(tasks.change_signals, kind="pool")))
        call = make(tasks.hold, str(tmp_path / "note"), kind="pool")
        job = asyncio.create_task(executor.run(call))
        await began(tmp_path / "note")
        executor.interrupt(call, Why.CANCEL)
        return pid, (tmp_path / "note").read_text().split(), await job

    pid, words, outcome = use(body, size=1)
    assert words[:2] == ["began", str(pid)]
    assert outcome == Cancelled("cancelled while running, by SIGTERM")


def test_a_call_that_waits_for_its_turn_is_stopped_at_once(tmp_path: Path) -> None:
    async def body(executor: ProcessExecutor) -> Outcome:
        running = make(tasks.hold, str(tmp_path / "note"), kind="pool")
        job = asyncio.create_task(executor.run(running))
        await began(tmp_path / "note")
        waiting = make(tasks.nothing, kind="pool")
        other = asyncio.create_task(executor.run(waiting))
        await asyncio.sleep(0)
        executor.interrupt(waiting, Why.CANCEL)
        outcome = await other
        assert not job.done()
        return outcome

    assert use(body, size=1) == Cancelled("cancelled while running, before it began")


def test_a_call_that_was_to_stop_before_it_came_is_not_run() -> None:
    call = make(tasks.nothing)
    call.why = Why.STOP
    assert run(call) == GivenBack("the worker stopped")


@both
def test_a_stop_in_any_moment_of_the_start_stops_it(kind: str, tmp_path: Path) -> None:
    async def body(executor: ProcessExecutor) -> None:
        await executor.run(make(tasks.nothing, kind=kind))
        for turns in range(12):
            call = make(tasks.hold, str(tmp_path / f"note{turns}"), kind=kind)
            job = asyncio.create_task(executor.run(call))
            for _ in range(turns):
                await asyncio.sleep(0.0002)
            executor.interrupt(call, Why.CANCEL)
            outcome = await job
            assert isinstance(outcome, Cancelled)
            assert outcome.reason.endswith(("by SIGTERM", "before it began"))

    use(body, size=1)


@both
def test_a_stop_just_before_the_task_begins_is_not_lost(kind: str, tmp_path: Path) -> None:
    call = make(tasks.hold, str(tmp_path / "note"), kind=kind)
    outcome = run(call, app_path="tests.executors.process_apps.hasty:app")
    assert isinstance(outcome, Crashed)
    assert outcome.error["message"] == "ended by SIGTERM"
    assert not (tmp_path / "note").exists()


def test_a_stop_while_the_app_is_imported_does_not_wait_for_that() -> None:
    async def body(executor: ProcessExecutor) -> list[Outcome]:
        calls = [make(tasks.nothing, kind=kind) for kind in ("process", "pool")]
        jobs = [asyncio.create_task(executor.run(call)) for call in calls]
        await asyncio.sleep(0)
        for call in calls:
            executor.interrupt(call, Why.CANCEL)
        return list(await asyncio.gather(*jobs))

    outcomes = use(body, "tests.executors.process_apps.slow:app")
    assert outcomes == [Cancelled("cancelled while running, before it began")] * 2


def test_the_first_reason_counts(tmp_path: Path) -> None:
    async def body(executor: ProcessExecutor) -> Outcome:
        call = make(tasks.hold, str(tmp_path / "note"))
        job = asyncio.create_task(executor.run(call))
        await began(tmp_path / "note")
        executor.interrupt(call, Why.CANCEL)
        executor.interrupt(call, Why.STOP)
        return await job

    assert isinstance(use(body), Cancelled)


def test_a_stop_after_the_end_changes_nothing() -> None:
    async def body(executor: ProcessExecutor) -> Outcome:
        call = make(tasks.nothing, kind="pool")
        assert isinstance(await executor.run(call), Done)
        executor.interrupt(call, Why.CANCEL)
        return await executor.run(make(tasks.nothing, kind="pool"))

    assert isinstance(use(body), Done)


@both
def test_cancelling_the_run_itself_stops_the_job(kind: str, tmp_path: Path) -> None:
    async def body(executor: ProcessExecutor) -> None:
        job = asyncio.create_task(executor.run(make(tasks.hold, str(tmp_path / "note"), kind=kind)))
        named = await began(tmp_path / "note")
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await gone(named)

    use(body)
    assert "cleaned up True" in (tmp_path / "note").read_text()


@both
def test_closing_stops_what_runs_and_what_waits(kind: str, tmp_path: Path) -> None:
    async def body() -> list[Outcome]:
        executor = ProcessExecutor(APP, size=1)
        await executor.open()
        jobs = [asyncio.create_task(executor.run(make(tasks.hold, str(tmp_path / "note"), kind=kind)))]
        await began(tmp_path / "note")
        jobs.append(asyncio.create_task(executor.run(make(tasks.hold, str(tmp_path / "other"), kind=kind))))
        await asyncio.sleep(0)
        await executor.close()
        assert below() == []
        return [*(await asyncio.gather(*jobs)), await executor.run(make(tasks.nothing, kind=kind))]

    assert asyncio.run(body()) == [GivenBack("the worker stopped")] * 3


@pytest.mark.parametrize("kind", ["process", "pool"])
def test_the_time_of_a_run_begins_once_its_app_is_imported(tmp_path: Path, kind: str) -> None:
    async def body(executor: ProcessExecutor) -> list[Outcome]:
        short, long = (
            make(tasks.nothing, kind=kind, timeout=20),
            make(tasks.hold, str(tmp_path / "note"), kind=kind, timeout=0.3),
        )
        jobs = [asyncio.create_task(executor.run(call)) for call in (short, long)]
        await asyncio.sleep(0.3)
        assert not executor._nursery.ready
        for call in (short, long):
            executor.interrupt(call, Why.TIMEOUT)
        return list(await asyncio.gather(*jobs))

    ended, stopped = use(body, "tests.executors.process_apps.late:app", size=2)
    assert isinstance(ended, Done)
    assert isinstance(stopped, Failed)
    assert stopped.error["message"].startswith("stopped after 0.3 s by SIGTERM")


def test_an_app_that_is_imported_for_ever_uses_up_the_time_of_its_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "LONGEST_IMPORT", 0.2)

    async def body(executor: ProcessExecutor) -> Outcome:
        call = make(tasks.nothing, timeout=0.05)
        job = asyncio.create_task(executor.run(call))
        await asyncio.sleep(0)
        executor.interrupt(call, Why.TIMEOUT)
        assert call.why is None
        return await job

    outcome = use(body, "tests.executors.process_apps.slow:app")
    assert isinstance(outcome, Failed)
    assert outcome.error["message"] == "stopped after 0.05 s before it began"


def test_closing_does_not_wait_for_ever_for_an_app_that_is_being_imported() -> None:
    async def body(executor: ProcessExecutor) -> None:
        job = asyncio.create_task(executor.run(make(tasks.nothing)))
        await asyncio.sleep(0)
        await executor.close()
        assert isinstance(await job, GivenBack)
        assert below() == []

    use(body, "tests.executors.process_apps.slow:app")


def test_closing_ends_everything_even_if_the_zygote_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)

    async def body(executor: ProcessExecutor) -> Outcome:
        job = asyncio.create_task(executor.run(make(tasks.hold, str(tmp_path / "note"))))
        await began(tmp_path / "note")
        for process in psutil.Process().children():
            process.suspend()
        await executor.close()
        await until(lambda: below() == [])
        return await job

    assert use(body, grace=0.1) == GivenBack("the worker stopped")


def test_it_can_be_opened_again() -> None:
    async def body(executor: ProcessExecutor) -> list[Any]:
        values = [value(await executor.run(make(tasks.add, 1)))]
        await executor.close()
        await executor.open()
        return [*values, value(await executor.run(make(tasks.add, 2, kind="pool")))]

    assert use(body) == [2, 3]


def test_two_hundred_jobs_leave_no_process_and_no_descriptor() -> None:
    async def body() -> tuple[set[str], set[str]]:
        await asyncio.sleep(0)
        before = _descriptors()
        executor = ProcessExecutor(APP, size=2, max_tasks_per_child=7)
        await executor.open()
        calls = [make(tasks.add, number, kind=("process", "pool")[number % 2]) for number in range(200)]
        outcomes = await asyncio.gather(*map(executor.run, calls))
        assert all(isinstance(outcome, Done) for outcome in outcomes)
        await executor.close()
        return before, _descriptors()

    before, after = asyncio.run(body())
    assert after == before
    assert below() == []


def test_a_run_fails_where_there_are_too_many_open_files_and_leaks_none() -> None:
    async def body(executor: ProcessExecutor) -> list[Outcome]:
        await executor.run(make(tasks.nothing))
        before = len(_descriptors())
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (before + 3, hard))
        try:
            outcomes = [await executor.run(make(tasks.nothing, kind=kind)) for kind in ("process", "pool")]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert len(_descriptors()) == before
        return [*outcomes, await executor.run(make(tasks.nothing, kind="pool"))]

    outcomes = use(body, spare=0)
    for outcome in outcomes[:2]:
        assert isinstance(outcome, Failed)
        assert "Too many open files" in outcome.error["message"]
    assert isinstance(outcomes[2], Done)


def _descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}
