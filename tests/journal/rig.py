"""A store, its journal and what keeps the two in line, without a worker and without a process. Holds no test."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, TypeVar

from queuemgr.client import AsyncClient
from queuemgr.clock import SystemClock
from queuemgr.codec import Codec
from queuemgr.job import Job, Lease, State
from queuemgr.outcome import SUCCEEDED, Verdict
from queuemgr.service.flatrecord import QUEUE
from queuemgr.service.host.alignment import Alignment
from queuemgr.service.host.journal import Journal
from queuemgr.service.host.observed import Observed
from queuemgr.service.registry.file import RegistryFile
from queuemgr.store import Claim, Query, Settlement, WorkerInfo
from queuemgr.stores.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

T = TypeVar("T")
WORKER = "one"
TASK = "shop.Job"


class Bench:
    """`young` as in Alignment; `ahead` are the seconds by which the clock of those who read the file is set forward."""

    def __init__(self, folder: Path, inline: int = 1000, young: float = 0.0) -> None:
        self.path = folder / "registry.jsonl"
        self.plain = SqliteStore(f"sqlite:///{folder}/jobs.db", SystemClock())
        self.client = AsyncClient(lambda: self.plain, Codec())
        self.journal = Journal(RegistryFile(self.path), self.client, inline)
        self.ahead = 0.0
        self.journal.readers.clock = lambda: time.monotonic() + self.ahead
        self.alignment = Alignment(self.journal, 60.0, young)
        self.store: Any = Observed(self.plain, self.journal)

    async def open(self) -> None:
        await self.plain.open()
        self.alignment.begin()
        await self.plain.join(WorkerInfo(id=WORKER, host="elsewhere", pid=1, birth=1, beat_at=self.plain.clock.now()))
        await self.align()

    async def close(self, *, marked: bool = True) -> None:
        await self.journal.drain()
        if marked:
            await self.alignment.end()
        self.journal.file.close()
        self.journal.readers.close()
        await self.plain.close()

    async def align(self) -> None:
        await self.journal.drain()
        self.alignment._glance()
        await self.alignment.align()
        await self.journal.drain()

    async def add(self, *ids: str, on: Any = None, held: bool = False, ago: float = 0.0) -> None:
        created_at = self.plain.clock.now() - ago
        await (on or self.store).enqueue([job(one, held=held, created_at=created_at) for one in ids])

    async def claim(self, limit: int = 1, on: Any = None) -> list[Lease]:
        claim = Claim(worker=WORKER, queues=((QUEUE, limit),), limit=limit, tasks=frozenset({TASK}))
        return list((await (on or self.store).claim(claim)).leases)

    async def settle(self, lease: Lease, verdict: Verdict = SUCCEEDED, on: Any = None, **more: Any) -> None:
        await (on or self.store).settle([Settlement(lease, WORKER, verdict, self.plain.clock.now(), **more)])

    async def finish(self, *ids: str, on: Any = None, ago: float = 0.0) -> None:
        """Added, run and ended well."""
        await self.add(*ids, on=on, ago=ago)
        for lease in await self.claim(len(ids), on=on):
            await self.settle(lease, result=b'"done"', on=on)
        await self.journal.drain()

    def lines(self) -> list[Any]:
        """The whole ones."""
        text = self.path.read_text().splitlines()
        return [json.loads(line) for line in text if line.startswith('{"job_id"') and line.endswith("}")]

    def statuses(self, job_id: str) -> list[int]:
        return [line["status"] for line in self.lines() if line["job_id"] == job_id]

    def latest(self) -> dict[str, int]:
        return {line["job_id"]: line["status"] for line in self.lines()}

    async def known(self) -> set[str]:
        """The ids in the store."""
        return {record.id for record in (await self.client.find(Query(queue=QUEUE), 10_000)).jobs}


def job(job_id: str, **more: Any) -> Job:
    usual: dict[str, Any] = {"task": TASK, "args": b"[[]]", "queue": QUEUE, "created_at": SystemClock.now()}
    return Job(id=job_id, **usual | more)


def dead(reason: str) -> Verdict:
    return Verdict(State.DEAD, "failed", failed=True, reason=reason)


def using(folder: Path, body: Callable[[Bench], Awaitable[T]], **settings: Any) -> T:
    """What `body` makes of an open bench, which is closed in good order."""

    async def main() -> T:
        bench = Bench(folder, **settings)
        await bench.open()
        try:
            return await body(bench)
        finally:
            await bench.close()

    return asyncio.run(main())
