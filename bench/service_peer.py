"""The same job in a fresh process by another package, which bench/service.py starts with its interpreter.

`python bench/service_peer.py {older,proc,rq} JOBS` says JSON: milliseconds of each job alone, jobs a second where all
are there at once, and milliseconds of processor time for one of these, over all processes. `older` is that package's
manager as a library, `proc` its manager in a process of its own; `rq` starts a redis-server. It measures no start-up.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

WARM = 5
TICK = 1000 / os.sysconf("SC_CLK_TCK")

Side = tuple[Callable[[str], None], Callable[[str], None]]
"""What has a job of that name begin, and what returns once it has ended."""


@contextmanager
def older(folder: Path) -> Iterator[Side]:
    from service_job import Nothing

    from queuemgr.simple_api import QueueSystem

    system = QueueSystem(registry_path=str(folder / "registry.jsonl"))
    system.start()

    def begin(name: str) -> None:
        system.add_job(Nothing, name, {})
        system.start_job(name)

    def end(name: str) -> None:
        while system.get_job_status(name)["status"] != "COMPLETED":
            time.sleep(0.002)

    try:
        yield begin, end
    finally:
        system.stop()


@contextmanager
def proc(folder: Path) -> Iterator[Side]:
    from service_job import Nothing

    from queuemgr.proc_api import proc_queue_system

    with proc_queue_system(registry_path=str(folder / "registry.jsonl"), proc_dir=str(folder / "proc")) as system:

        def begin(name: str) -> None:
            system.add_job(Nothing, name, {})
            system.start_job(name)

        def end(name: str) -> None:
            while system.get_job_status(name)["result"]["status"] != "COMPLETED":
                time.sleep(0.002)

        yield begin, end


@contextmanager
def rq(folder: Path) -> Iterator[Side]:
    import redis
    from rq import Queue

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    server = subprocess.Popen(["redis-server", *place], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}"
    queue = Queue(connection=redis.Redis(port=port))
    until_there(queue.connection.ping, redis.ConnectionError)
    program = str(Path(sys.executable).with_name("rq"))
    command = [program, "worker", "--quiet", "--url", url, "--path", str(Path(__file__).parent)]
    workers = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    jobs = {}

    def begin(name: str) -> None:
        jobs[name] = queue.enqueue("service_job.nothing", job_id=name)

    def end(name: str) -> None:
        result = jobs[name].latest_result(timeout=60)
        assert result is not None, name

    try:
        yield begin, end
    finally:
        for process in (*workers, server):
            process.terminate()
            process.wait()


def until_there(ask: Callable[[], object], refusal: type[Exception]) -> None:
    while True:
        try:
            ask()
        except refusal:
            time.sleep(0.01)
        else:
            return


def spent() -> float:
    """Milliseconds of processor time that this process and all below it took, the ended ones too."""
    parents, times = {}, {}
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                fields = (one / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(one.name)] = int(fields[1])
            times[int(one.name)] = sum(map(int, fields[11:15])) * TICK
    mine = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= more
    return sum(times[pid] for pid in mine)


def measure(side: Side, jobs: int) -> dict[str, object]:
    begin, end = side
    for number in range(WARM):
        begin(f"warm{number}")
        end(f"warm{number}")
    alone = []
    for number in range(jobs):
        began = time.perf_counter()
        begin(f"one{number}")
        end(f"one{number}")
        alone.append((time.perf_counter() - began) * 1e3)
    before, began = spent(), time.perf_counter()
    for number in range(jobs):
        begin(f"all{number}")
    for number in range(jobs):
        end(f"all{number}")
    seconds = time.perf_counter() - began
    return {"alone": alone, "rate": jobs / seconds, "cost": (spent() - before) / jobs}


if __name__ == "__main__":
    with TemporaryDirectory() as room:
        made = {"older": older, "proc": proc, "rq": rq}[sys.argv[1]]
        with made(Path(room)) as asked:
            told = measure(asked, int(sys.argv[2]))
        print(json.dumps(told), flush=True)
