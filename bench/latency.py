"""How soon a job starts in an idle worker of another process, and what that worker costs while it waits.

`python bench/latency.py [--rounds 5] [--idle 20]`. A bare loop that looks into the file every millisecond stands beside
it. How many jobs per second pass is measured by embedded.py.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import bare
import jobs
import psutil
from bare import BareQueue
from crew import HERE, running, scratch, supervised, url_of
from rounds import Row, Samples, say, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from queuemgr import App

JOBS = 300
GAPS = (0.003, 0.010)
"""Seconds between two jobs, at random between these."""

PERCENTILES = (50, 95, 99)
MIB = 1024 * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle", type=float, default=20.0, help="for how many seconds the idle worker is watched")
    chosen = parser.parse_args()
    with scratch() as folder:
        app = jobs.app_on(url_of(folder / "jobs.db"))
        queue = BareQueue(folder / "bare.db")
        with supervised(app.url) as boss, running(str(HERE / "bare.py"), str(folder / "bare.db")) as poller:
            poller.send_signal(signal.SIGSTOP)
            app.tasks["jobs.nothing"].enqueue(0).result(30)
            start(app, queue, poller, chosen.rounds)
            print(f"\nidle for {chosen.idle:g} s: CPU in percent of one core, memory in MiB")
            idle(boss, poller, chosen.idle)
            poller.send_signal(signal.SIGCONT)
        queue.close()
        app.close()


def start(app: App, queue: BareQueue, poller: subprocess.Popen[str], rounds: int) -> None:
    """Print the milliseconds from before enqueue to the first line of the job."""
    sides: dict[str, Callable[[], list[float]]] = {
        "async": partial(of_ours, app, "moment"),
        "thread": partial(of_ours, app, "moment_in_thread"),
        "bare": partial(of_bare, queue, poller),
    }
    samples: Samples = {}
    for _ in range(rounds):
        for name, measure in sides.items():
            delays = sorted(measure())
            for percent in PERCENTILES:
                samples.setdefault(f"{name} {percent}", []).append(delays[JOBS * percent // 100])
    rows = [
        Row(f"{kind} task, {percent} of 100 within", f"{kind} {percent}", f"bare {percent}")
        for kind in ("async", "thread")
        for percent in PERCENTILES
    ]
    show(f"from enqueue to the start of the job, {JOBS} jobs in each round", rows, samples, "ms")
    say(f"ours: woken by the commit; {jobs.PROMISE}", f"bare: looks every millisecond; {bare.PROMISE}")


def of_ours(app: App, task: str) -> list[float]:
    handles, asked = [], []
    for _ in range(JOBS):
        time.sleep(random.uniform(*GAPS))
        asked.append(time.monotonic_ns())
        handles.append(app.tasks[f"jobs.{task}"].enqueue())
    began = [handle.result(30) for handle in handles]
    return [(start - ask) / 1e6 for start, ask in zip(began, asked, strict=True)]


def of_bare(queue: BareQueue, poller: subprocess.Popen[str]) -> list[float]:
    with awake(poller):
        asked = []
        for _ in range(JOBS):
            time.sleep(random.uniform(*GAPS))
            asked.append(time.monotonic_ns())
            queue.enqueue("moment")
        assert poller.stdout is not None
        began = [int(poller.stdout.readline()) for _ in range(JOBS)]
    return [(start - ask) / 1e6 for start, ask in zip(began, asked, strict=True)]


@contextmanager
def awake(process: subprocess.Popen[str]) -> Iterator[None]:
    """Otherwise it is stopped, so that it keeps no core awake for the others."""
    process.send_signal(signal.SIGCONT)
    try:
        yield
    finally:
        process.send_signal(signal.SIGSTOP)


def idle(boss: subprocess.Popen[str], poller: subprocess.Popen[str], seconds: float) -> None:
    supervisor = psutil.Process(boss.pid)
    (worker,) = supervisor.children()
    print(f"{'':20}{'CPU':>8} {'wakes/s':>9} {'RSS':>8} {'PSS':>8}")
    watch({"worker": worker, "supervisor": supervisor}, seconds)
    with awake(poller):
        watch({"bare loop": psutil.Process(poller.pid)}, min(seconds, 5.0))


def watch(processes: dict[str, psutil.Process], seconds: float) -> None:
    time.sleep(1)
    before = {name: spent(process) for name, process in processes.items()}
    time.sleep(seconds)
    for name, process in processes.items():
        cpu, wakes = (after - then for after, then in zip(spent(process), before[name], strict=True))
        memory = process.memory_full_info()
        megabytes = f"{memory.rss / MIB:8.1f} {memory.pss / MIB:8.1f}"
        print(f"{name:20}{100 * cpu / seconds:7.2f}% {wakes / seconds:9.1f} {megabytes}")


def spent(process: psutil.Process) -> tuple[float, int]:
    """CPU seconds, and how often one of its threads gave up the CPU to wait."""
    times = process.cpu_times()
    wakes = sum(switches_of(Path(f"/proc/{process.pid}/task/{thread.id}/status")) for thread in process.threads())
    return times.user + times.system, wakes


def switches_of(status: Path) -> int:
    lines = status.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


if __name__ == "__main__":
    main()
