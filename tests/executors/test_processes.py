"""Jobs in processes: their arguments, results, surroundings and reports, in fresh processes and in a pool."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.errors import ConfigError
from queuemgr.executor import Executor
from queuemgr.executors.processes import ProcessExecutor
from queuemgr.outcome import Cancelled, Done, Failed, Snoozed, Undecodable, Unknown
from tests.executors import process_tasks as tasks
from tests.executors.calls import Heard
from tests.executors.process_rig import APP, below, make, run, run_all, until, use, value
from tests.pace import quickest

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = ("process", "pool")
both = pytest.mark.parametrize("kind", KINDS)


def test_it_is_an_executor() -> None:
    executor: Executor = ProcessExecutor(APP, size=1)
    assert asyncio.run(executor.open()) is None


@pytest.mark.parametrize("path", ["app", ":app", "module:", ""])
def test_an_app_path_needs_a_module_and_a_name(path: str) -> None:
    with pytest.raises(ConfigError, match="module:name"):
        ProcessExecutor(path)


@pytest.mark.parametrize("wrong", [{"size": 0}, {"spare": -1}, {"grace": -1.0}, {"max_tasks_per_child": 0}])
def test_a_setting_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="at least"):
        ProcessExecutor(APP, **wrong)


@both
def test_a_task_gets_its_arguments_and_its_value_is_the_result(kind: str) -> None:
    calls = [
        make(tasks.add, 2, 3, kind=kind),
        make(tasks.add, 2, named={"two": 5}, kind=kind),
        make(tasks.add_slowly, 2, 4, kind=kind),
        make(tasks.app.tasks[f"{tasks.__name__}.Adder"], 1, 1, kind=kind),
        make(tasks.swap, tasks.Point(1, 2), kind=kind),
        make(tasks.nothing, kind=kind),
    ]
    assert list(map(value, run_all(*calls))) == [5, 7, 6, 2, tasks.Point(2, 1), None]


@both
def test_an_exception_becomes_a_failure_with_its_traceback(kind: str) -> None:
    outcome = run(make(tasks.fail, "no \N{SNOWMAN}", kind=kind))
    assert isinstance(outcome, Failed)
    assert (outcome.error["type"], outcome.error["message"]) == ("builtins.ValueError", "no \N{SNOWMAN}")
    assert "raise ValueError(words)" in outcome.error["traceback"]
    assert outcome.types == ("builtins.ValueError", "builtins.Exception", "builtins.BaseException")
    assert outcome.retry


@both
def test_a_task_that_calls_sys_exit_has_failed(kind: str) -> None:
    outcomes = run_all(make(tasks.leave, 0, kind=kind), make(tasks.nothing, kind=kind))
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].error["type"] == "builtins.SystemExit"
    assert isinstance(outcomes[1], Done)


@both
def test_a_task_can_snooze_and_cancel_itself(kind: str) -> None:
    calls = [make(tasks.snooze, 2.5, kind=kind), make(tasks.give_up, "why not", kind=kind)]
    assert run_all(*calls) == [Snoozed(2.5), Cancelled("why not")]


@both
def test_whatever_the_reason_is_it_is_told_as_a_text_that_can_be_written_down(kind: str) -> None:
    outcomes = run_all(make(tasks.give_up_strangely, kind=kind), make(tasks.nothing, kind=kind))
    assert outcomes[0] == Cancelled("? is gone")
    assert isinstance(outcomes[1], Done)


@both
def test_arguments_that_cannot_be_read_are_undecodable(kind: str) -> None:
    assert isinstance(run(make(tasks.add, data=b"[1", kind=kind)), Undecodable)


@both
def test_a_result_that_cannot_travel_is_a_failure_for_good(kind: str) -> None:
    outcome = run(make(tasks.unencodable, kind=kind))
    assert isinstance(outcome, Failed)
    assert outcome.error["type"] == "queuemgr.errors.EncodingError"
    assert not outcome.retry


def test_a_result_beyond_the_limit_of_the_app_is_a_failure() -> None:
    outcome = run(make(tasks.zeros, tasks.app.max_result))
    assert isinstance(outcome, Failed)
    assert "raise max_result" in outcome.error["message"]


def test_a_task_that_only_the_worker_knows_is_unknown() -> None:
    assert run(make("somewhere.else")) == Unknown()


@both
def test_large_arguments_arrive_whole(kind: str) -> None:
    assert value(run(make(tasks.length, "x" * 5_000_000, kind=kind))) == 5_000_000


@both
def test_a_large_result_arrives_whole_and_does_not_hold_up_the_loop(kind: str) -> None:
    async def body(executor: ProcessExecutor) -> float:
        job = asyncio.create_task(executor.run(make(tasks.zeros, 40_000_000, kind=kind)))
        turns = [time.perf_counter()]
        while not job.done():
            await asyncio.sleep(0)
            turns.append(time.perf_counter())
        assert len(value(await job)) == 40_000_000
        longest = max(late - early for early, late in itertools.pairwise(turns))
        return longest if longest > (turns[-1] - turns[0]) / 3 else 0.0

    # On a machine that has no time for it even a turn that does nothing may take long, but not most of the way.
    assert quickest(lambda: use(body), 0.5) < 0.5


@both
def test_a_job_has_a_session_of_its_own_and_inherits_nothing_but_its_streams(kind: str) -> None:
    call = make(tasks.about, kind=kind)
    about = value(run(call))
    assert about["pid"] == about["session"] == about["group"]
    assert about["parent"] == about["imported_by"] != os.getpid()
    assert about["job"] == [call.lease.id, call.lease.task, "default", 1]
    assert about["stdin"] == "/dev/null"
    # Three streams, the socket, the file for its stack, and the directory that is being listed.
    assert len(about["files"]) == 6
    assert (about["threads"], about["collects"]) == (1, True)
    assert about["path"] == sys.path
    assert about["folder"] == str(Path.cwd())


def test_every_process_job_has_a_fresh_process() -> None:
    abouts = list(map(value, run_all(*(make(tasks.about) for _ in range(5)))))
    assert len({about["pid"] for about in abouts}) == 5
    assert len({about["parent"] for about in abouts}) == 1


def test_fresh_processes_draw_different_random_numbers() -> None:
    drawn = [value(outcome)[0] for outcome in run_all(*(make(tasks.numbers) for _ in range(4)))]
    assert len(set(drawn)) == 4


def test_a_pooled_process_is_used_again() -> None:
    pids = {value(outcome)["pid"] for outcome in run_all(*(make(tasks.about, kind="pool") for _ in range(5)))}
    assert len(pids) == 1


def test_a_pool_has_no_more_processes_than_its_size() -> None:
    async def body(executor: ProcessExecutor) -> list[int]:
        outcomes = await asyncio.gather(*(executor.run(make(tasks.about, kind="pool")) for _ in range(60)))
        return [value(outcome)["pid"] for outcome in outcomes]

    pids = use(body, size=3)
    assert len(pids) == 60
    assert len(set(pids)) == 3


def test_a_pooled_process_ends_after_its_share_of_jobs() -> None:
    calls = [make(tasks.about, kind="pool") for _ in range(7)]
    pids = [value(outcome)["pid"] for outcome in run_all(*calls, size=1, max_tasks_per_child=3)]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]


def test_a_pooled_process_that_keeps_more_than_its_limit_is_replaced() -> None:
    about = make(tasks.about, kind="pool", memory_limit=8_000_000)
    keep = [make(tasks.keep_memory, 5_000_000, kind="pool", memory_limit=8_000_000) for _ in range(2)]
    after = make(tasks.about, kind="pool", memory_limit=8_000_000)
    first, *kept, last = run_all(about, *keep, after, size=1)
    assert all(isinstance(outcome, Done) for outcome in kept)
    assert value(first)["pid"] != value(last)["pid"]


def test_processes_are_forked_ahead_once_one_was_used() -> None:
    async def body(executor: ProcessExecutor) -> None:
        await executor.run(make(tasks.nothing))
        await until(lambda: len(below()) == 4)  # with the one that forks
        [zygote] = (process for process in below() if process.ppid() == os.getpid())
        ahead = {process.pid for process in below()} - {zygote.pid}
        assert value(await executor.run(make(tasks.about)))["pid"] in ahead
        await until(lambda: len(below()) == 4)

    use(body, spare=3)


def test_nothing_is_started_before_the_first_job_unless_it_is_asked_for() -> None:
    async def count(_: ProcessExecutor) -> int:
        return len(below())

    assert use(count) == 0
    assert use(count, warm=True) == 1


def test_modules_can_be_imported_ahead() -> None:
    assert not value(run(make(tasks.about)))["preloaded"]
    assert value(run(make(tasks.about), preload=["colorsys"]))["preloaded"]


def test_what_every_job_inherits_is_small() -> None:
    program = "import sys, queuemgr.executors.processes.zygote; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"asyncio", "rich", "click"}.isdisjoint(done.stdout.split())


@both
def test_a_job_tells_its_progress(kind: str) -> None:
    heard = Heard()
    assert isinstance(run(make(tasks.report, kind=kind, heard=heard)), Done)
    assert heard.steps == [(25.0, None), (50.0, "half")]
    assert heard.lines == [("stdout", "told\n")]


@both
def test_of_a_flood_of_progress_the_last_arrives(kind: str) -> None:
    heard = Heard()
    run(make(tasks.report_often, 20_000, kind=kind, heard=heard))
    assert heard.steps[-1] == (100.0, "20000 of 20000")
    assert len(heard.steps) < 2_000


def test_peak_memory_is_that_of_the_job() -> None:
    calls = [make(tasks.touch, size, kind=kind) for kind in KINDS for size in (100_000_000, 0)]
    peaks = [_peak(outcome) for outcome in run_all(*calls, size=1)]
    assert peaks[0] > 100_000_000 > peaks[1] > 1_000_000
    assert peaks[2] > 100_000_000 > peaks[3] > 1_000_000


@both
def test_a_failure_tells_its_peak_memory(kind: str) -> None:
    assert _peak(run(make(tasks.fail, "", kind=kind))) > 1_000_000


@both
def test_a_job_beyond_its_memory_limit_fails_and_is_told_the_limit(kind: str) -> None:
    outcome = run(make(tasks.allocate, 200_000_000, kind=kind, memory_limit=50_000_000))
    assert isinstance(outcome, Failed)
    assert outcome.error["type"] == "builtins.MemoryError"
    assert "memory_limit of 50,000,000 bytes" in outcome.error["message"]


@both
def test_a_memory_limit_leaves_room_for_as_much_and_does_not_outlive_its_job(kind: str) -> None:
    calls = [
        make(tasks.allocate, 30_000_000, kind=kind, memory_limit=50_000_000),
        make(tasks.allocate, 200_000_000, kind=kind, memory_limit=50_000_000),
        make(tasks.allocate, 200_000_000, kind=kind),
    ]
    assert [type(outcome) for outcome in run_all(*calls, size=1)] == [Done, Failed, Done]


def test_many_runs_at_once_get_their_own_results() -> None:
    async def body(executor: ProcessExecutor) -> Sequence[Any]:
        calls = [make(tasks.add, number, number, kind=KINDS[number % 2]) for number in range(80)]
        return [value(outcome) for outcome in await asyncio.gather(*map(executor.run, calls))]

    assert use(body, size=2) == [2 * number for number in range(80)]


def _peak(outcome: object) -> int:
    assert isinstance(outcome, Done | Failed)
    assert outcome.peak_memory is not None
    return outcome.peak_memory
