"""What a job of a job class costs in the service: one after the other, and many at once, each in a fresh process.

`python bench/service.py [--rounds 5] [--jobs 200] [--older PYTHON] [--proc PYTHON] [--rq PYTHON]`. Processor time is
that of all processes together, which tells more than the clock where others use the machine, too. OLDER and PROC are an
interpreter that has queuemgr 1.0, whose manager is a library for the one and a process of its own for the other; RQ is
one that has rq (a redis-server is started for it). Each takes its turn in every round. It measures no store but the
embedded one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psutil

from queuemgr.jobs.classes import Places
from queuemgr.service.host.calling import Caller
from queuemgr.service.host.config import HostConfig
from queuemgr.service.host.running import start

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASS = """from queuemgr.jobs.base import QueueJobBase


class Nothing(QueueJobBase):
    def execute(self) -> None:
        self.set_result({"answer": 42})
"""
MIB = 1024 * 1024
CALLERS = 16
PEERS = {"older": 200, "proc": 20, "rq": 200}
"""Other packages, and how many jobs of theirs make a round."""


class Service:
    """A service, and the processor time of all that belongs to it and of this program."""

    def __init__(self, folder: Path) -> None:
        (folder / "jobs").mkdir()
        (folder / "jobs" / "bench_jobs.py").write_text(CLASS)
        places = Places(folders=(str(folder / "jobs"),))
        config = HostConfig(registry_path=str(folder / "registry.jsonl"), proc_dir=str(folder / "run"), places=places)
        self.process = start(config)
        self.caller = Caller(config.socket)
        self._seen = psutil.Process(self.process.pid)

    def add(self, job_id: str) -> None:
        self.caller.call("job.add", {"job_class": "bench_jobs.Nothing", "job_id": job_id, "params": {}})

    def start(self, job_id: str) -> None:
        self.caller.call("job.start", {"job_id": job_id})

    def wait(self, job_id: str) -> None:
        record = self.caller.call("job.wait", {"job_id": job_id, "timeout": 60})
        assert record["status"] == "COMPLETED", record

    def cpu(self) -> dict[str, float]:
        """Seconds so far."""
        mine = psutil.Process().cpu_times()
        host = self._seen.cpu_times()
        told = {"caller": mine.user + mine.system, "service": host.user + host.system, "zygote": 0.0, "jobs": 0.0}
        for child in self._seen.children():
            times = child.cpu_times()
            told["zygote"] += times.user + times.system
            told["jobs"] += times.children_user + times.children_system
        return told

    def memory(self) -> dict[str, tuple[float, float]]:
        """RSS and PSS in MiB, by process."""
        told = {}
        for number, one in enumerate([self._seen, *self._seen.children(recursive=True)]):
            full = one.memory_full_info()
            told[f"{number} {one.name()}"] = full.rss / MIB, full.pss / MIB
        return told

    def close(self) -> None:
        self.caller.close()
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


@contextmanager
def serving() -> Iterator[Service]:
    with TemporaryDirectory() as folder:
        service = Service(Path(folder))
        try:
            yield service
        finally:
            service.close()


def one_by_one(service: Service, names: list[str]) -> list[float]:
    """Milliseconds from before `add` until the end is known."""
    times = []
    for name in names:
        began = time.perf_counter()
        service.add(name)
        service.start(name)
        service.wait(name)
        times.append((time.perf_counter() - began) * 1e3)
    return times


def together(service: Service, names: list[str]) -> float:
    """Jobs a second, from before the first `add` until the last end is known, by several callers side by side."""

    def see_through(name: str) -> None:
        service.add(name)
        service.start(name)
        service.wait(name)

    began = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(see_through, names))
    return len(names) / (time.perf_counter() - began)


@dataclass
class Side:
    """Of each round: milliseconds of a job alone, the median, jobs a second at once, and what one of these costs."""

    alone: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def add(self, alone: list[float], rate: float, cost: float) -> None:
        self.alone.append(statistics.median(alone))
        self.rates.append(rate)
        self.costs.append(cost)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=200)
    for peer in PEERS:
        parser.add_argument(f"--{peer}", help="the interpreter that has it")
    chosen = parser.parse_args()
    peers = {peer: Side() for peer in PEERS if getattr(chosen, peer)}
    with serving() as service:
        print("idle: MiB of memory, RSS and PSS")
        show_memory(service.memory())
        one_by_one(service, [f"warm{number}" for number in range(20)])
        ours = Ours(service, chosen.jobs)
        for _ in range(chosen.rounds):
            ours.measure()
            for peer, side in peers.items():
                side.add(**ask(getattr(chosen, peer), peer))
        ours.show()
        print("afterwards: MiB of memory, RSS and PSS")
        show_memory(service.memory())
    compare(ours.side, peers)


class Ours:
    """The service, asked for so many jobs a round."""

    def __init__(self, service: Service, jobs: int) -> None:
        self.side = Side()
        self._service = service
        self._jobs = jobs
        self._turn = 0
        self._times: list[float] = []
        self._alone: list[dict[str, float]] = []
        self._spent: list[dict[str, float]] = []

    def measure(self) -> None:
        service, jobs = self._service, self._jobs
        self._turn += 1
        before = service.cpu()
        times = one_by_one(service, [f"one{self._turn}-{number}" for number in range(jobs)])
        self._alone.append(since(before, service, jobs))
        before = service.cpu()
        rate = together(service, [f"all{self._turn}-{number}" for number in range(jobs)])
        self._spent.append(since(before, service, jobs))
        self._times += times
        self.side.add(times, rate, sum(self._spent[-1].values()))

    def show(self) -> None:
        high, rates = statistics.quantiles(self._times, n=100), self.side.rates
        print(f"one after the other: {statistics.median(self._times):.1f} ms, 95 of 100 within {high[94]:.1f} ms")
        show_cpu(self._alone)
        print(f"all together: {statistics.median(rates):.0f} jobs/s, rounds {', '.join(f'{one:.0f}' for one in rates)}")
        show_cpu(self._spent)


def ask(python: str, peer: str) -> dict[str, Any]:
    command = [python, str(Path(__file__).with_name("service_peer.py")), peer, str(PEERS[peer])]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def compare(ours: Side, peers: dict[str, Side]) -> None:
    for name, side in {"ours": ours, **peers}.items():
        alone, rate, cost = map(statistics.median, (side.alone, side.rates, side.costs))
        faster, cheaper = statistics.median(ours.rates) / rate, cost / statistics.median(ours.costs)
        words = f"{alone:8.1f} ms alone {rate:8.1f} jobs/s at once {cost:8.2f} ms of processor time for a job"
        quicker = alone / statistics.median(ours.alone)
        times = f"{quicker:.1f} times as fast alone, {faster:.1f} times the rate at once"
        print(f"{name:6}{words}; ours: {times}, 1/{cheaper:.1f} of the processor time")


def since(before: dict[str, float], service: Service, jobs: int) -> dict[str, float]:
    return {name: (now - before[name]) / jobs * 1e3 for name, now in service.cpu().items()}


def show_cpu(spent: list[dict[str, float]]) -> None:
    """Milliseconds of processor time for a job, medians of the rounds."""
    parts = [f"{name} {statistics.median(one[name] for one in spent):.2f}" for name in spent[0]]
    whole = statistics.median(sum(one.values()) for one in spent)
    print(f"  processor time for a job: {whole:.2f} ms ({', '.join(parts)})")


def show_memory(told: dict[str, tuple[float, float]]) -> None:
    for name, (rss, pss) in told.items():
        print(f"  {name}: {rss:.1f} {pss:.1f}")
    print(f"  in all: {sum(rss for rss, _ in told.values()):.1f} {sum(pss for _, pss in told.values()):.1f}")


if __name__ == "__main__":
    main()
