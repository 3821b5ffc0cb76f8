"""Processes that die: those of jobs, the one that forks them, the worker itself; and apps that cannot be imported."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from queuemgr.executors.processes import ProcessExecutor, nursery
from queuemgr.executors.processes.children import Child, Ending, Run
from queuemgr.executors.processes.frames import PACKET, End, packets
from queuemgr.executors.processes.output import Output
from queuemgr.outcome import Crashed, Done, Failed, GivenBack, Outcome
from tests.executors import process_tasks as tasks
from tests.executors.calls import Heard
from tests.executors.process_rig import APP, PATIENCE, began, below, gone, lives, make, run, run_all, until, use, value
from tests.servers.process import until as without_loop

pytestmark = pytest.mark.crash
both = pytest.mark.parametrize("kind", ["process", "pool"])
ROOT = Path(__file__).parents[2]


@both
def test_a_segmentation_fault_is_a_crash_and_tells_where(kind: str) -> None:
    heard = Heard()
    outcome, after = run_all(make(tasks.segfault, kind=kind, heard=heard), make(tasks.nothing, kind=kind), size=1)
    assert isinstance(outcome, Crashed)
    assert outcome.exit_signal == "SIGSEGV"
    assert outcome.error == {"type": "queuemgr.errors.Killed", "message": "its process was ended by SIGSEGV"}
    assert outcome.peak_memory
    assert "in segfault" in heard.text("stderr")
    assert isinstance(after, Done)


@both
@pytest.mark.parametrize("status", [0, 3])
def test_a_process_that_exits_under_its_job_is_a_crash(kind: str, status: int) -> None:
    heard = Heard()
    outcome = run(make(tasks.exit_at_once, status, kind=kind, heard=heard))
    assert isinstance(outcome, Crashed)
    assert outcome.exit_signal is None
    assert outcome.error["message"] == f"its process called os._exit({status})"
    assert heard.text("stdout") == "last words\n"


@both
def test_a_killed_process_is_a_crash(kind: str) -> None:
    outcome = run(make(tasks.kill_itself, int(signal.SIGKILL), kind=kind))
    assert isinstance(outcome, Crashed)
    assert outcome.exit_signal == "SIGKILL"
    assert outcome.error["message"].startswith("its process was ended by SIGKILL")


@both
def test_a_sigterm_from_elsewhere_is_a_crash(kind: str) -> None:
    outcome = run(make(tasks.kill_itself, int(signal.SIGTERM), kind=kind))
    assert isinstance(outcome, Crashed)
    assert outcome.error["message"] == "ended by SIGTERM"


@both
def test_a_task_that_breaks_its_own_channel_is_a_crash(kind: str) -> None:
    outcomes = run_all(make(tasks.close_everything, kind=kind), make(tasks.nothing, kind=kind))
    assert isinstance(outcomes[0], Crashed)
    assert isinstance(outcomes[1], Done)


@both
def test_a_task_that_writes_into_its_own_channel_hurts_nobody(kind: str) -> None:
    outcomes = run_all(make(tasks.babble, kind=kind), make(tasks.add, 1, kind=kind))
    assert isinstance(outcomes[0], Done | Crashed)
    assert value(outcomes[1]) == 2


def test_the_point_inside_a_run_is_in_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUEMGR_DIE_AT", "run.inside")
    outcome = run(make(tasks.nothing))
    assert isinstance(outcome, Crashed)
    assert outcome.exit_signal == "SIGKILL"


@both
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_idle_process_that_dies_is_replaced(kind: str, number: int) -> None:
    async def body(executor: ProcessExecutor) -> list[Outcome]:
        await executor.run(make(tasks.nothing, kind=kind))
        zygote = _zygote()
        idle = await until(zygote.children)
        for process in idle:
            process.send_signal(number)
        await until(lambda: not any(psutil.pid_exists(process.pid) for process in idle))
        return [await executor.run(make(tasks.nothing, kind=kind)) for _ in range(3)]

    assert all(isinstance(outcome, Done) for outcome in use(body, size=1))


@both
def test_the_death_of_the_zygote_is_a_crash_of_what_runs_and_the_next_job_runs(kind: str, tmp_path: Path) -> None:
    async def body(executor: ProcessExecutor) -> tuple[Outcome, Outcome]:
        call = make(tasks.plant_tree, str(tmp_path / "note"), kind=kind)
        job = asyncio.create_task(executor.run(call))
        tree = await began(tmp_path / "note")
        zygote = _zygote()
        everybody = [*zygote.children(recursive=True), zygote]
        zygote.kill()
        outcome = await job
        await gone([*everybody, *tree])
        return outcome, await executor.run(make(tasks.nothing, kind=kind))

    outcome, after = use(body, size=1)
    assert isinstance(outcome, Crashed)
    assert "was ended by SIGKILL" in outcome.error["message"]
    assert isinstance(after, Done)


def test_a_sigterm_meant_for_all_leaves_the_zygote_to_the_worker() -> None:
    async def body(executor: ProcessExecutor) -> tuple[int, int]:
        first = value(await executor.run(make(tasks.about)))["parent"]
        _zygote().terminate()
        return first, value(await executor.run(make(tasks.about)))["parent"]

    first, second = use(body, spare=0)
    assert first == second


@both
def test_jobs_die_with_the_zygote_without_any_help(kind: str, tmp_path: Path) -> None:
    async def body(executor: ProcessExecutor) -> None:
        job = asyncio.create_task(executor.run(make(tasks.hold_on, str(tmp_path / "note"), kind=kind)))
        named = await began(tmp_path / "note")
        _zygote().kill()
        _wait(lambda: not any(map(lives, named)))  # the event loop stands still meanwhile
        assert isinstance(await job, Crashed)

    use(body)


def test_a_run_whose_process_was_not_even_forked_is_given_back() -> None:
    async def body(executor: ProcessExecutor) -> Outcome:
        await executor.run(make(tasks.nothing))
        zygote = _zygote()
        zygote.suspend()
        job = asyncio.create_task(executor.run(make(tasks.nothing)))
        await asyncio.sleep(0)
        zygote.kill()
        return await job

    assert isinstance(use(body, spare=0), GivenBack)


def test_a_zygote_that_dies_time_and_again_is_not_started_in_a_tight_loop() -> None:
    async def body(executor: ProcessExecutor) -> list[type]:
        kinds = []
        for _ in range(3):
            outcome = await executor.run(make(tasks.nothing))
            kinds.append(type(outcome))
            if isinstance(outcome, Done):
                zygote = _zygote()
                zygote.kill()
                await gone([zygote])
                await until(lambda: executor._nursery._link is None)
        return kinds

    assert use(body, spare=0) == [Done, Done, Failed]


IMPORTS = [
    ("tests.executors.process_apps.nowhere:app", "No module named"),
    ("tests.executors.process_tasks:nothing_such", "names no App"),
    ("tests.executors.process_tasks:Point", "names no App"),
    ("tests.executors.process_apps.leaving:app", "ended with exit status 7"),
    ("tests.executors.process_apps.unguarded:app", "under `if __name__ == '__main__':`"),
]


@both
@pytest.mark.parametrize(("path", "words"), IMPORTS)
def test_an_app_that_cannot_be_imported_fails_every_job_and_says_why(kind: str, path: str, words: str) -> None:
    async def body(executor: ProcessExecutor) -> list[Outcome]:
        outcomes = await asyncio.gather(*(executor.run(make(tasks.nothing, kind=kind)) for _ in range(3)))
        assert below() == []
        again = await executor.run(make(tasks.nothing, kind=kind))
        assert below() == []  # not tried again so soon
        return [*outcomes, again]

    for outcome in use(body, path, size=1):
        assert isinstance(outcome, Failed)
        assert words in outcome.error["message"]
        assert path in outcome.error["message"]


def test_an_import_is_tried_again_after_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "FIRST_PAUSE", 0.05)
    monkeypatch.syspath_prepend(tmp_path)

    async def body(executor: ProcessExecutor) -> tuple[Outcome, Outcome]:
        broken = await executor.run(make(tasks.nothing))
        (tmp_path / "mended_app.py").write_text("from tests.executors.process_tasks import app")
        await until(lambda: executor._nursery.trouble() is None)
        return broken, await executor.run(make(tasks.nothing))

    broken, mended = use(body, "mended_app:app")
    assert isinstance(broken, Failed)
    assert isinstance(mended, Done)


def test_an_app_whose_import_starts_threads_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    outcome = run(make(tasks.about), app_path="tests.executors.process_apps.threaded:app")
    assert value(outcome)["threads"] == 1
    assert "started 1 threads" in caplog.text


def test_closing_is_no_accident(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run(make(tasks.nothing))
    assert caplog.records == []


HOST = """
import asyncio, sys
from tests.executors.process_rig import make
from tests.executors import process_tasks as tasks
from queuemgr.executors.processes import ProcessExecutor

async def main(note, app):
    executor = ProcessExecutor(app, size=1)
    call = make(tasks.plant_tree, note, kind="pool", named={"leave_group": True})
    await asyncio.gather(executor.run(call), executor.run(make(tasks.hold_on, note + "2")))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("victim", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_worker_that_is_killed(tmp_path: Path, victim: int) -> None:
    note = tmp_path / "note"
    with _host(note, "tests.executors.process_tasks:app") as host:
        _wait(lambda: note.exists() and (tmp_path / "note2").exists())
        everybody = psutil.Process(host.pid).children(recursive=True)
        assert len(everybody) >= 6  # the one that forks, two jobs, a shell and two sleepers, and processes forked ahead
        host.send_signal(victim)
        host.wait()
    _wait(lambda: not any(map(lives, everybody)))


def test_an_app_that_is_being_imported_does_not_outlive_its_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports = tmp_path / "imports"
    monkeypatch.setenv("IMPORTS", str(imports))
    with _host(tmp_path / "note", "tests.executors.process_apps.slow:app") as host:
        _wait(imports.exists)
        everybody = psutil.Process(host.pid).children(recursive=True)
        assert int(imports.read_text()) in [process.pid for process in everybody]
        host.kill()
        host.wait()
    _wait(lambda: not any(map(lives, everybody)))


def _host(note: Path, app: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", HOST, str(note), app], cwd=ROOT)


def _wait(met: Any) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := met()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)
    return found


def _zygote() -> psutil.Process:
    [zygote] = (process for process in below() if process.ppid() == os.getpid())
    return zygote


class Nobody:
    def freed(self, child: Child) -> None: ...

    def gone(self, child: Child) -> None: ...


def test_the_last_words_of_a_process_count_although_it_ended_with_words_unread() -> None:
    async def scene() -> Outcome:
        ends: list[int] = []
        child = Child(1, Nobody(), memoryview(bytearray(PACKET)), lambda _, theirs: ends.extend(theirs))
        call = make(tasks.nothing)
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        assert child.start(Run(call, Output(call.context, 1000), ended), last=True)
        for packet in packets(End("Done", Done(b"1"), False, 0, False)):
            os.write(ends[0], packet)
        for end in ends:
            os.close(end)
        child.gone(Ending())
        return await ended

    assert asyncio.run(scene()) == Done(b"1")


def test_a_run_that_was_begun_is_known_although_the_process_it_was_forked_from_died_with_orders_unread(
    tmp_path: Path,
) -> None:
    async def scene() -> list[Outcome]:
        home = nursery.Nursery(APP, (), Nobody())
        await home.begun()
        (zygote,) = psutil.Process().children()
        runs = []
        for note in ("one", "other"):
            call = make(tasks.hold, str(tmp_path / note))
            runs.append(Run(call, Output(call.context, 1000), asyncio.get_running_loop().create_future()))
        # The event loop stands still meanwhile, so that nothing of what the zygote says is read before its end.
        assert home.spawn().start(runs[0], last=True)
        without_loop((tmp_path / "one").exists)
        zygote.suspend()
        assert home.spawn().start(runs[1], last=True)
        zygote.kill()
        link = home.open()
        link._loop.remove_reader(link._socket)  # as where its death is noticed first
        outcomes = [await one.ended for one in runs]
        await home.close(PATIENCE)
        return outcomes

    begun, unbegun = asyncio.run(scene())
    assert isinstance(begun, Crashed)
    assert isinstance(unbegun, GivenBack)
