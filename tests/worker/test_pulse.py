"""A worker on another machine is known by its pulse alone: that keeps what is alive, and tells at once what is dead."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from queuemgr.app import open_store
from queuemgr.job import State
from queuemgr.liveness import life_here
from queuemgr.manager.beating import beat_for
from queuemgr.pulse import PROGRAM, Owner
from queuemgr.store import REMOTE_LEASE, WorkerInfo
from queuemgr.testing.history import problems_of, words_of
from tests.crash.scene import Scene
from tests.servers.process import lives, until
from tests.servers.redis import Redis

pytestmark = pytest.mark.crash
HEAVY = ("asyncio", "msgspec", "redis", "psycopg", "queuemgr.app", "queuemgr.store")
REMOTE = pytest.mark.parametrize("store_url", ["redis", "postgres"], indirect=True)


@pytest.fixture
def scene(tmp_path: Path, store_url: str) -> Iterator[Scene]:
    scene = Scene(tmp_path, store_url)
    try:
        yield scene
    finally:
        scene.close()


def pulses_of(worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
    children = psutil.Process(worker.pid).children()
    return [child for child in children if lives(child) and PROGRAM in child.cmdline()]


def beat_at(scene: Scene, worker: subprocess.Popen[bytes]) -> float:
    return info_of(scene, worker).beat_at


def info_of(scene: Scene, worker: subprocess.Popen[bytes]) -> WorkerInfo:
    return next(info for info in scene.do(scene.store.workers()) if info.pid == worker.pid)


def has_beaten(scene: Scene, worker: subprocess.Popen[bytes]) -> bool:
    info = info_of(scene, worker)
    return info.beat_at > info.started_at


def one_job(scene: Scene, task: str, *arguments: object, **elsewhere: Any) -> tuple[str, subprocess.Popen[bytes]]:
    """A job that runs, and its worker, beside which a pulse stands by."""
    (job_id,) = scene.enqueue(task, *arguments)
    worker = scene.start("serve", **elsewhere)
    scene.until_marked()
    until(lambda: any(map(has_begun, pulses_of(worker))))
    until(lambda: has_beaten(scene, worker))
    return job_id, worker


def has_begun(pulse: psutil.Process) -> bool:
    """It is deaf then to what ends whole groups of processes."""
    status = Path(f"/proc/{pulse.pid}/status").read_text()
    return bool(int(status.partition("SigIgn:")[2].split()[0], 16) & 1 << signal.SIGTERM - 1)


def is_at_the_store(pulse: psutil.Process) -> bool:
    """It no longer stands by: beside the two sockets of its event loop it has one more."""
    return sum(link.startswith("socket:") for link in links_of(Path(f"/proc/{pulse.pid}/fd"))) > 2


def links_of(folder: Path) -> Iterator[str]:
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            yield str(file.readlink())


def another_machine(scene: Scene, number: int = 2, **elsewhere: Any) -> None:
    """A worker that cannot ask the kernel about the first one."""
    scene.start("serve", host="another machine", **elsewhere)
    scene.until_joined(number)


@REMOTE
def test_jobs_of_a_killed_worker_run_on_another_machine_within_a_second(scene: Scene) -> None:
    job_id, worker = one_job(scene, "thread", 30, lease=8)
    another_machine(scene, lease=8)
    (pulse,) = pulses_of(worker)
    until(lambda: is_at_the_store(pulse))
    worker.kill()
    killed = time.monotonic()
    again = scene.until_marked(2)[1]
    assert (again.job, again.attempt) == (job_id, 2)
    assert again.moment - killed < 1.5
    until(lambda: scene.get(job_id).state is State.SUCCEEDED)
    assert words_of(scene.get(job_id)) == ["interrupted", "succeeded"]


@REMOTE
def test_a_worker_that_is_killed_before_its_pulse_beats_is_told_of_all_the_same(scene: Scene) -> None:
    (job_id,) = scene.enqueue("thread", 30)
    worker = scene.start("serve", lease=60)
    scene.until_marked()
    until(lambda: any(map(has_begun, pulses_of(worker))))
    worker.kill()
    another_machine(scene, 1, lease=60)
    again = scene.until_marked(2)[1]
    assert (again.job, again.attempt) == (job_id, 2)
    until(lambda: scene.get(job_id).state is State.SUCCEEDED)
    assert words_of(scene.get(job_id)) == ["interrupted", "succeeded"]


def test_what_stands_by_has_imported_next_to_nothing() -> None:
    look = f"import {PROGRAM}, sys; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-P", "-c", look], text=True) == "[]\n"


@REMOTE
def test_jobs_of_a_worker_that_was_killed_as_it_stopped_are_given_back_and_not_counted(scene: Scene) -> None:
    job_id, worker = one_job(scene, "sit in C", 30, lease=60)
    another_machine(scene, lease=60)
    worker.terminate()
    until(lambda: "stopping" in {info.state for info in scene.do(scene.store.workers())})
    worker.kill()
    until(lambda: scene.get(job_id).state is State.SUCCEEDED, 3)
    record = scene.get(job_id)
    assert (words_of(record), record.crashes, problems_of(record)) == (["given back", "succeeded"], 0, [])


@REMOTE
@pytest.mark.slow
def test_jobs_of_a_machine_that_lost_its_power_run_elsewhere_within_ten_seconds(scene: Scene) -> None:
    job_id, worker = one_job(scene, "thread", 30)
    another_machine(scene)
    (pulse,) = pulses_of(worker)
    pulse.kill()
    worker.kill()
    killed = time.monotonic()
    again = scene.until_marked(2)[1]
    assert (again.job, again.attempt) == (job_id, 2)
    assert REMOTE_LEASE / 2 < again.moment - killed < 10


@REMOTE
def test_a_stopped_worker_is_alive_and_keeps_its_jobs(scene: Scene) -> None:
    job_id, worker = one_job(scene, "wait for go", lease=2)
    another_machine(scene, lease=2)
    worker.send_signal(signal.SIGSTOP)
    began = beat_at(scene, worker)
    until(lambda: beat_at(scene, worker) > began + 5)
    assert scene.words(job_id) == ["start 1"]
    worker.send_signal(signal.SIGCONT)
    (scene.folder / "go").touch()
    until(lambda: scene.get(job_id).state is State.SUCCEEDED)
    assert words_of(scene.get(job_id)) == ["succeeded"]


@REMOTE
@pytest.mark.parametrize("task", ["hold the GIL", "block the loop"])
def test_a_job_that_lets_nothing_else_run_for_longer_than_the_lease_keeps_it(scene: Scene, task: str) -> None:
    job_id, _ = one_job(scene, task, 6, lease=3)
    another_machine(scene, lease=3)
    until(lambda: scene.get(job_id).state is State.SUCCEEDED)
    assert words_of(scene.get(job_id)) == ["succeeded"]
    assert scene.words(job_id) == ["start 1", "end 1"]


@REMOTE
def test_a_pulse_that_was_killed_is_started_again(scene: Scene) -> None:
    job_id, worker = one_job(scene, "thread", 30)
    (first,) = pulses_of(worker)
    first.kill()
    until(lambda: any(has_begun(pulse) for pulse in pulses_of(worker) if pulse != first))
    another_machine(scene)
    worker.kill()
    again = scene.until_marked(2)[1]
    assert (again.job, again.attempt) == (job_id, 2)
    assert "has ended (code -9)" in scene.log(worker)


@REMOTE
def test_a_pulse_is_deaf_to_what_stops_whole_groups_of_processes(scene: Scene) -> None:
    _, worker = one_job(scene, "thread", 30)
    (pulse,) = pulses_of(worker)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
        pulse.send_signal(signum)
    began = beat_at(scene, worker)
    worker.send_signal(signal.SIGSTOP)
    until(lambda: beat_at(scene, worker) > began)
    assert pulses_of(worker) == [pulse]


@REMOTE
def test_a_worker_that_leaves_in_good_order_leaves_no_crash_and_no_process(scene: Scene) -> None:
    (job_id,) = scene.enqueue("thread", 30)
    worker = scene.start("serve", "grace=0")
    scene.until_marked()
    family = psutil.Process(worker.pid).children(recursive=True)
    worker.terminate()
    assert worker.wait(60) == 0, scene.log(worker)
    assert not any(map(lives, family))
    record = scene.get(job_id)
    assert (record.state, words_of(record), record.crashes) == (State.READY, ["given back"], 0)


@REMOTE
def test_a_pulse_does_not_outlive_its_worker(scene: Scene) -> None:
    _, worker = one_job(scene, "thread", 30)
    (pulse,) = pulses_of(worker)
    worker.kill()
    worker.wait()
    until(lambda: not lives(pulse))


def test_a_pulse_does_not_outlive_its_worker_for_long_where_the_store_is_gone_too(
    tmp_path: Path, own_redis: Callable[..., Redis]
) -> None:
    server = own_redis()
    scene = Scene(tmp_path, server.url)
    try:
        _, worker = one_job(scene, "thread", 30, lease=2)
        (pulse,) = pulses_of(worker)
        server.kill()
        worker.kill()
        worker.wait()
        until(lambda: not lives(pulse))
    finally:
        scene.close()


@REMOTE
def test_a_pulse_leaves_a_worker_alone_that_has_the_name_of_the_dead(store_url: str) -> None:
    async def run() -> list[WorkerInfo]:
        store = open_store(store_url)
        host, pid, birth = life_here()
        await store.join(WorkerInfo(id="w", host=host, pid=pid, birth=birth, beat_at=store.clock.now()))
        dead = asyncio.Event()
        dead.set()
        await beat_for(store, Owner("w", (host, pid, birth - 1)), dead)
        before = await store.workers()
        await beat_for(store, Owner("w", life_here()), dead)
        assert await store.workers() == []
        await store.close()
        return before

    assert [info.id for info in asyncio.run(run())] == ["w"]


SECRET = "dragonfly"
WORKER = """
import sys
from queuemgr.app import open_store
from queuemgr.pulse import Pulse
pulse = Pulse(open_store(sys.stdin.readline().strip()), "w")
pulse.keep()
print(pulse._process.pid, flush=True)
sys.stdin.read()
pulse.stop()
"""


def test_nobody_on_the_machine_sees_the_password(own_redis: Callable[..., Redis]) -> None:
    server = own_redis("--requirepass", SECRET)
    url = server.url.replace("//", f"//:{SECRET}@")
    command = [sys.executable, "-c", WORKER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        print(url, file=worker.stdin, flush=True)
        pulse = int(worker.stdout.readline())
        until(lambda: server.port in {port for c in psutil.Process(pulse).net_connections() for port in c.raddr[1:]})
        for pid in (worker.pid, pulse):
            for file in ("cmdline", "environ"):
                assert SECRET not in Path(f"/proc/{pid}/{file}").read_text()


@REMOTE
def test_a_pulse_is_small(scene: Scene, record_property: Callable[[str, object], None]) -> None:
    _, worker = one_job(scene, "thread", 30)
    (pulse,) = pulses_of(worker)
    until(lambda: pulse.num_fds() > 6)
    rollup = Path(f"/proc/{pulse.pid}/smaps_rollup").read_text()
    own = int(re.search(r"Pss:\s+(\d+)", rollup)[1]) / 1024  # type: ignore[index]
    record_property("pulse_mib", own)
    assert own < 40
