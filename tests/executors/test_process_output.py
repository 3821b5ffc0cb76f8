"""What jobs in processes print and log: all of it is caught, bounded, and told to the right job."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.executors.processes import ProcessExecutor
from queuemgr.outcome import Done
from tests.executors import process_tasks as tasks
from tests.executors.calls import Heard
from tests.executors.process_rig import below, make, run, run_all, use, value

if TYPE_CHECKING:
    from queuemgr.task import Task

both = pytest.mark.parametrize("kind", ["process", "pool"])


@both
def test_whatever_a_job_prints_is_told_by_whole_lines(kind: str) -> None:
    heard = Heard()
    run(make(tasks.speak, kind=kind, heard=heard))
    assert heard.text("stdout") == "printed\nwritten past Python\nby a child process\nno end"
    assert heard.text("stderr") == "warned\n"
    assert heard.text("log") == "INFO some.where: logged 1"
    assert all(text.endswith("\n") for stream, text in heard.lines[:-1] if stream != "log")


@both
def test_what_is_printed_before_it_is_logged_is_told_before_it(kind: str) -> None:
    heard = Heard()
    run(make(tasks.take_turns, kind=kind, heard=heard))
    told = [(stream, line[-1]) for stream, text in heard.lines for line in text.splitlines()]
    for number in "012":
        assert told.index(("stdout", number)) < told.index(("log", number))


@both
def test_bytes_that_are_no_text_are_shown_as_such(kind: str) -> None:
    heard = Heard()
    assert isinstance(run(make(tasks.speak_strangely, kind=kind, heard=heard)), Done)
    assert heard.text("stdout") == "\ufffd\xe4\n\\ud800\n"
    assert heard.text("log") == "WARNING root: ?"


@both
def test_a_thread_of_a_job_can_log(kind: str) -> None:
    heard = Heard()
    run(make(tasks.log_from_thread, kind=kind, heard=heard))
    assert heard.text("log") == "WARNING thread: from a thread"


@both
def test_a_logged_exception_comes_with_its_traceback(kind: str) -> None:
    heard = Heard()
    run(make(tasks.log_exception, kind=kind, heard=heard))
    assert heard.text("log").startswith("ERROR root: it went wrong\nTraceback")
    assert heard.text("log").endswith("ZeroDivisionError: division by zero")


@both
def test_output_beyond_the_limit_is_read_and_counted_and_dropped(kind: str) -> None:
    heard = Heard()
    size = 50 * 1024 * 1024
    assert isinstance(run(make(tasks.flood, size, kind=kind, heard=heard), output_limit=10_000), Done)
    assert len(heard.text("stdout")) == 10_000
    note = f"WARNING queuemgr: {size - 10_000:,} bytes of output were dropped: 10,000 bytes of a run are kept"
    assert heard.lines[-1] == ("log", note)


def test_the_limit_counts_log_lines_too() -> None:
    heard = Heard()
    run(make(tasks.log_much, 100, 1_000, heard=heard), output_limit=10_000)
    assert 10_000 <= len(heard.text("log")) < 10_200


def test_every_run_has_a_limit_of_its_own() -> None:
    each = [Heard() for _ in range(3)]
    run_all(*(make(tasks.flood, 20_480, kind="pool", heard=heard) for heard in each), size=1, output_limit=10_240)
    assert [len(heard.text("stdout")) for heard in each] == [10_240] * 3


def test_pooled_jobs_are_told_their_own_output_only() -> None:
    async def body(executor: ProcessExecutor) -> None:
        calls = [make(tasks.say, words, kind="pool", heard=heard) for words, heard in zip(said, each, strict=True)]
        await asyncio.gather(*map(executor.run, calls))

    said = [f"{number} " * 20_000 for number in range(60)]
    each = [Heard() for _ in said]
    use(body, size=2)
    assert [heard.text("stdout") for heard in each] == [f"{words}\n" for words in said]


@both
def test_a_job_may_close_its_stdout(kind: str) -> None:
    first, second = Heard(), Heard()
    calls = [make(tasks.hush, kind=kind, heard=first), make(tasks.speak, kind=kind, heard=second)]
    outcomes = run_all(*calls, size=1)
    assert value(outcomes[0]) == 1
    assert first.text("stdout") == "before\n"
    assert second.text("stdout").startswith("printed\n")


@pytest.mark.parametrize("spoil", [tasks.hush_in_part, tasks.speak_elsewhere])
def test_a_pooled_process_without_its_streams_takes_no_more_jobs(spoil: Task[[], Any, int]) -> None:
    heard = Heard()
    outcomes = run_all(make(spoil, kind="pool"), make(tasks.speak, kind="pool", heard=heard), size=1)
    assert isinstance(value(outcomes[0]), int)
    assert heard.text("stdout").startswith("printed\n")
    assert heard.text("stderr") == "warned\n"


def test_a_pooled_job_can_print_after_another_one_closed_the_stream() -> None:
    heard = Heard()
    calls = [make(tasks.close_stdout, kind="pool"), make(tasks.speak, kind="pool", heard=heard)]
    outcomes = run_all(*calls, make(tasks.about, kind="pool"), size=1)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert heard.text("stdout").startswith("printed\n")


def test_a_process_left_behind_with_the_streams_holds_nothing_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    note = tmp_path_factory.mktemp("note") / "pids"

    async def body(executor: ProcessExecutor) -> float:
        asked = time.monotonic()
        await executor.run(make(tasks.leave_daemon, str(note)))
        took = time.monotonic() - asked
        for process in below():
            if process.name() == "sleep":
                process.kill()
        return took

    assert use(body) < 10
