"""What Redis itself may lose at each of its settings, as docs/redis.md tells it.

The power is not cut here: the server's syncs are written down (note_syncs.c), and what was not synced counts as lost.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from queuemgr.store import Query
from tests.redis.rig import make_job, opened
from tests.servers.process import until
from tests.servers.proxy import Proxy
from tests.servers.redis import Redis

Own = Callable[..., Any]
OwnRedis = Callable[..., Redis]
Note = Callable[[str, object], None]
SHIM = Path(__file__).with_name("note_syncs.c")
SYNCS = 3
WORST = 5.0
"""Seconds of acknowledged jobs; it is one or two of them where the machine has not too much to do."""


class Noting(Redis):
    """Writes down its syncs, each of which takes `longer` seconds longer than it must."""

    def __init__(self, shim: Path, fsync: str, longer: float = 0.0) -> None:
        super().__init__("--appendfsync", fsync)
        self._variables = {"LD_PRELOAD": shim, "NOTE_SYNCS": self.folder / "syncs", "SYNC_TAKES": int(longer * 1e6)}

    def command(self) -> list[str]:
        return ["env", *(f"{name}={value}" for name, value in self._variables.items()), *super().command()]

    def syncs(self) -> list[tuple[int, float]]:
        """How much was safe from which moment on."""
        noted = self.folder / "syncs"
        lines = noted.read_text().splitlines() if noted.exists() else []
        return [(int(size), float(moment)) for size, moment in map(str.split, lines)]

    @property
    def file(self) -> Path:
        """What it appends to."""
        (file,) = (*self.folder.rglob("*.incr.aof"), *self.folder.glob("appendonly.aof"))
        return file


@dataclass(frozen=True, slots=True)
class Loss:
    seconds: float
    jobs: int
    kept: int
    """Bytes of the file."""


def worst_loss(file: bytes, syncs: list[tuple[int, float]], told: list[tuple[str, float]]) -> Loss:
    """At the worst moment for a loss of power: right before a sync ends."""
    ends = list(ends_in(file, told))
    losses = []
    for (safe, _), (_, moment) in pairwise(syncs):
        lost = [at for end, at in ends if at <= moment and end > safe]
        losses.append(Loss(moment - min(lost, default=moment), len(lost), safe))
    return max(losses, key=lambda loss: loss.seconds)


def ends_in(file: bytes, told: list[tuple[str, float]]) -> Iterator[tuple[int, float]]:
    """Where the transactions end that brought the jobs."""
    end = 0
    for job_id, moment in told:
        end = file.index(b"EXEC\r\n", file.index(job_id.encode(), end))
        yield end, moment


async def produce(server: Noting, then: float = 0.0) -> list[tuple[str, float]]:
    """Jobs as they were acknowledged, until some seconds after the last sync."""
    told = []
    async with opened(server.url) as store:
        begun = len(server.syncs())
        while len(noted := server.syncs()) < begun + SYNCS or time.monotonic() < noted[-1][1] + then:
            for _ in range(20):
                job = make_job()
                await store.enqueue([job])
                told.append((job.id, time.monotonic()))
    return told


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("shim") / "note_syncs.so"
    compiler = next(filter(None, map(shutil.which, ("gcc", "cc", "clang"))))
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", made, SHIM, "-ldl"], check=True)
    return made


def cut_off(server: Noting) -> tuple[list[tuple[str, float]], Loss]:
    """Jobs as they were acknowledged, and what a loss of power would have taken at the worst moment."""
    told = asyncio.run(produce(server))
    server.kill()
    return told, worst_loss(server.file.read_bytes(), server.syncs(), told)


@pytest.mark.needs("gcc")
def test_power_takes_the_last_second_or_two_where_the_server_syncs_each_second(
    own: Own, shim: Path, record_property: Note
) -> None:
    server: Noting = own("redis", Noting, shim, "everysec")
    told, loss = cut_off(server)
    record_property("seconds", loss.seconds)
    record_property("jobs", loss.jobs)
    assert loss.jobs > 0, "losing nothing is good luck; a test in which nothing can be lost shows nothing"
    assert loss.seconds < WORST
    with server.file.open("r+b") as file:
        file.truncate(loss.kept)
    server.start()
    left = asyncio.run(jobs_in(server.url))
    assert left == {job_id for job_id, _ in told[: len(left)]}, "others are lost than the last"
    assert left


@pytest.mark.needs("gcc")
def test_a_server_that_is_killed_while_its_disk_is_busy_may_lack_the_last_two_seconds(
    own: Own, shim: Path, record_property: Note
) -> None:
    server: Noting = own("redis", Noting, shim, "everysec", 1.0)
    told = asyncio.run(produce(server, 0.9))
    server.kill()
    killed_at = time.monotonic()
    server.start()
    left = asyncio.run(jobs_in(server.url))
    lost = [moment for job_id, moment in told if job_id not in left]
    record_property("seconds", killed_at - min(lost, default=killed_at))
    record_property("jobs", len(lost))
    assert left == {job_id for job_id, _ in told[: len(left)]}, "others are lost than the last"
    assert all(killed_at - moment < WORST for moment in lost)


@pytest.mark.needs("gcc")
def test_power_takes_nothing_where_the_server_syncs_always(own: Own, shim: Path) -> None:
    told, loss = cut_off(own("redis", Noting, shim, "always"))
    assert len(told) > 1
    assert loss.jobs == 0


async def jobs_in(url: str) -> set[str]:
    async with opened(url) as store:
        return {job.id for job in (await store.find(Query(), 1_000_000)).jobs}


@pytest.mark.parametrize("settings", [(), ("--appendfsync", "always"), ("--appendonly", "no")], ids=" ".join)
def test_a_killed_server_that_starts_again_has_lost_nothing_unless_it_appends_to_no_file(
    own_redis: OwnRedis, settings: tuple[str, ...]
) -> None:
    server = own_redis(*settings)

    async def main() -> None:
        async with opened(server.url) as store:
            jobs = [make_job() for _ in range(50)]
            for job in jobs:
                await store.enqueue([job])
            await asyncio.to_thread(server.restart)
            assert await jobs_in(server.url) == (set() if "no" in settings else {job.id for job in jobs})

    asyncio.run(main())


def test_a_replica_that_takes_over_lacks_what_it_had_not_received_and_nothing_else(own_redis: OwnRedis) -> None:
    master = own_redis("--appendfsync", "always")
    with Proxy(master.port) as network:
        replica = own_redis("--replicaof", "127.0.0.1", str(network.port))
        received = asyncio.run(accepted(master.url, 20))
        until(lambda: replica.say("HLEN {queuemgr}:jobs") == ":20")
        network.stall()
        asyncio.run(accepted(master.url, 5))
        master.kill()
        assert replica.say("REPLICAOF NO ONE") == "+OK"
        assert asyncio.run(jobs_in(replica.url)) == received


async def accepted(url: str, number: int) -> set[str]:
    async with opened(url) as store:
        return {(await store.enqueue([make_job()]))[0].id for _ in range(number)}
