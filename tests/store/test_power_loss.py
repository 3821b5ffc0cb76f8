"""What is left when the power fails: everything that was promised, with `durability=full`; without, all but the last.

A producer's writes are recorded (drop_unsynced.c) until it is killed. Then, for many moments, the files are rebuilt as
a disk could have them that keeps what was synced and of the rest any part. No real disk is tested here.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.stores.sqlite.store import SqliteStore
from tests.store.rig import start_python

pytestmark = [pytest.mark.crash, pytest.mark.needs("gcc")]

SHIM = Path(__file__).with_name("drop_unsynced.c")
HEAD = struct.Struct("=ccQQ")
SECTOR = 512
SEEDS = 40
LEAST = 60

# Small checkpoints, so that the log starts over many times before the producer is killed.
PRODUCE = """
    from queuemgr.job import Unique
    from queuemgr.outcome import SUCCEEDED
    from queuemgr.store import Claim, Settlement
    from queuemgr.stores.sqlite import opening
    opening.CHECKPOINT = 48 * 1024
    path, durability = sys.argv[1:]
    store = SqliteStore(f"sqlite:///{path}?durability={durability}")
    acks = os.open(f"{path}-acks", os.O_WRONLY | os.O_CREAT)
    def promise(word, job_id):
        os.write(acks, f"{word} {job_id}\\n".encode())
        print(word, flush=True)
    for number in range(100_000):
        jobs = [make_job(args=os.urandom(number % 300), tags=("t",)) for _ in range(number % 4 + 1)]
        for done in store.enqueue_now(jobs):
            promise("enqueued", done.id)
        promise("enqueued", store.enqueue_now([make_job()])[0].id)
        if number % 3 == 0:
            claim = Claim(worker="w", queues=[("default", 2)], limit=2, tasks=frozenset())
            leases = asyncio.run(store.claim(claim)).leases
            asyncio.run(store.settle([Settlement(lease, "w", SUCCEEDED, time.time()) for lease in leases]))
            for lease in leases:
                promise("settled", lease.id)
"""


@dataclass(frozen=True, slots=True)
class Deed:
    what: str
    file: str
    offset: int
    data: bytes


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("shim") / "drop_unsynced.so"
    compiler = next(filter(None, map(shutil.which, ("gcc", "cc", "clang"))))
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", made, SHIM, "-ldl"], check=True)
    return made


def recorded(folder: Path, shim: Path, durability: str, chance: random.Random) -> list[Deed]:
    """What a producer did until it was killed amidst its work."""
    log = folder / "deeds"
    variables = {
        "LD_PRELOAD": str(shim),
        "DROP_UNSYNCED_FILE": str(folder / "jobs.db"),
        "DROP_UNSYNCED_LOG": str(log),
    }
    with start_python(PRODUCE, folder / "jobs.db", durability, **variables) as producer:
        assert producer.stdout is not None
        for _ in range(chance.randrange(LEAST, 5 * LEAST)):
            assert producer.stdout.readline(), producer.communicate()[1]
        producer.kill()
        producer.communicate()
    return list(deeds_in(log.read_bytes()))


def deeds_in(log: bytes) -> Iterator[Deed]:
    at = 0
    while at + HEAD.size <= len(log):
        what, file, offset, size = HEAD.unpack_from(log, at)
        at += HEAD.size
        yield Deed(what.decode(), file.decode(), offset, log[at : at + size])
        at += size


def promises(deeds: list[Deed]) -> list[tuple[str, str]]:
    """(word, job id) in their order."""
    lines = b"".join(deed.data for deed in deeds if deed.file == "a").decode().split("\n")[:-1]
    return [(word, job_id) for word, _, job_id in (line.partition(" ") for line in lines)]


def image(deeds: list[Deed], file: str, chance: random.Random) -> bytes:
    """The file after a loss of power: what was synced, and of the later writes any, whole or in part."""
    mine = [deed for deed in deeds if deed.file == file]
    synced = max((n for n, deed in enumerate(mine) if deed.what == "s"), default=-1)
    content = bytearray()
    for deed in mine[:synced]:
        apply(content, deed)
    share = chance.choice((0.0, 0.5, 0.9, 1.0))
    for deed in mine[synced + 1 :]:
        if chance.random() < share:
            apply(content, torn(deed, chance) if chance.random() < 0.1 else deed)
    return bytes(content)


def torn(deed: Deed, chance: random.Random) -> Deed:
    """The first or the last sectors of a write."""
    cut = chance.randrange(len(deed.data) // SECTOR + 1) * SECTOR
    if chance.random() < 0.5:
        return Deed(deed.what, deed.file, deed.offset, deed.data[:cut])
    return Deed(deed.what, deed.file, deed.offset + cut, deed.data[cut:])


def apply(content: bytearray, deed: Deed) -> None:
    match deed.what:
        case "t":
            content[deed.offset :] = bytes(max(0, deed.offset - len(content)))
        case "w" if deed.data:
            content.extend(bytes(max(0, deed.offset - len(content))))
            content[deed.offset : deed.offset + len(deed.data)] = deed.data


@dataclass(frozen=True, slots=True)
class Left:
    jobs: dict[str, State]
    integrity: str


def left_over(folder: Path, deeds: list[Deed], chance: random.Random) -> Left:
    """What a store finds after the power failed at the end of these deeds."""
    folder.mkdir()
    path = folder / "jobs.db"
    path.write_bytes(image(deeds, "d", chance))
    Path(f"{path}-wal").write_bytes(image(deeds, "l", chance))
    store = SqliteStore(f"sqlite:///{path}")
    try:
        found = asyncio.run(store.find(Query(), 100_000)).jobs
    finally:
        store.close_now()
    with closing(sqlite3.connect(path)) as connection:
        integrity = "; ".join(row[0] for row in connection.execute("PRAGMA integrity_check"))
    shutil.rmtree(folder)
    return Left({job.id: job.state for job in found}, integrity)


def losses(folder: Path, shim: Path, durability: str, seed: int) -> Iterator[tuple[list[tuple[str, str]], Left]]:
    """For many moments: what was promised until then, and what was left."""
    chance = random.Random(seed)
    deeds = recorded(folder, shim, durability, chance)
    first = next((n for n, deed in enumerate(deeds) if deed.file == "a"), None)
    assert first is not None, "no write was seen: this SQLite does not call the C library"
    assert sum(deed.what == "s" and deed.file == "d" for deed in deeds[first:]) > 1, "the log never started over"
    for number in range(SEEDS // 2):
        until = deeds[: chance.randrange(first + 1, len(deeds) + 1)] if number else deeds
        yield promises(until), left_over(folder / f"left{number}", until, chance)


@pytest.mark.parametrize("seed", [1, 2])
def test_with_full_durability_nothing_that_was_promised_is_lost(tmp_path: Path, shim: Path, seed: int) -> None:
    for promised, left in losses(tmp_path, shim, "full", seed):
        assert left.integrity == "ok"
        assert {job_id for _, job_id in promised} <= left.jobs.keys()
        assert {left.jobs[job_id] for word, job_id in promised if word == "settled"} <= {State.SUCCEEDED}


@pytest.mark.parametrize("seed", [3, 4])
def test_with_normal_durability_only_the_last_are_lost_and_the_file_stays_sound(
    tmp_path: Path, shim: Path, seed: int
) -> None:
    lost = 0
    for promised, left in losses(tmp_path, shim, "normal", seed):
        assert left.integrity == "ok"
        kept = [job_id in left.jobs for word, job_id in promised if word == "enqueued"]
        assert kept == sorted(kept, reverse=True)
        lost += kept.count(False)
    assert lost > 0, "losing nothing is good luck; a test in which nothing can be lost shows nothing"


def test_with_full_durability_the_files_names_are_on_disk_before_the_first_promise(tmp_path: Path, shim: Path) -> None:
    deeds = recorded(tmp_path, shim, "full", random.Random(5))
    first = next(n for n, deed in enumerate(deeds) if deed.file == "a")
    assert any(deed.what == "s" and deed.file == "f" for deed in deeds[:first])


def test_every_promise_with_full_durability_follows_a_sync_of_the_log(tmp_path: Path, shim: Path) -> None:
    deeds = recorded(tmp_path, shim, "full", random.Random(6))
    unsynced = False
    for deed in deeds:
        match deed.what, deed.file:
            case "w", "l":
                unsynced = True
            case "s", "l":
                unsynced = False
            case "w", "a":
                assert not unsynced
