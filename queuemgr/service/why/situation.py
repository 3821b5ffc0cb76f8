"""What a store knows of one job and its surroundings at one moment. It is gathered here and judged elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from queuemgr.errors import Unsupported
from queuemgr.job import FINISHED, WAITING, State
from queuemgr.store import Query, QueueInfo

from .asked import cancelled_by
from .comparing import Comparison, compared
from .crew import Crew, crew_of
from .lately import Alike, Successes, alike_to, pace_of, successes_of
from .limits import limit_of
from .position import Position, position_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from queuemgr.app import App
    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord
    from queuemgr.store import Store, WorkerInfo

MOST_WORKERS = 50
MOST_RUNNING = 10
OUTPUT = 1000
MOST_OUTPUT = 3 * OUTPUT


@dataclass(frozen=True, slots=True)
class Load:
    """What one worker runs; `jobs` are at most MOST_RUNNING of them."""

    worker: WorkerInfo
    running: int
    jobs: Sequence[JobRecord] = ()

    @property
    def full(self) -> bool:
        return self.running >= max(1, self.worker.concurrency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Fields that the job's state does not call for are empty. `last_said` is None where that is not known."""

    record: JobRecord
    now: float
    lease: float
    crew: Crew
    remote: bool = False
    queues: Sequence[QueueInfo] = ()
    loads: Sequence[Load] = ()
    holders: Sequence[str] = ()
    position: Position | None = None
    pace: float | None = None
    successes: Successes | None = None
    alike: Alike | None = None
    comparison: Comparison | None = None
    last_said: float | None = None
    timeout: float | None = None
    holder: str | None = None
    cancelled_by: Mapping[str, str | float] | None = None

    @property
    def queue(self) -> QueueInfo | None:
        return next((queue for queue in self.queues if queue.name == self.record.queue), None)


async def situation_of(client: AsyncClient, record: JobRecord, app: App | None, *, brief: bool) -> Situation:
    """`brief` leaves out what only a full answer needs. Raises StoreError, JobNotFound."""
    store = client.store
    workers = await store.workers()
    now = client.clock.now()
    situation = Situation(record=record, now=now, lease=store.lease, crew=crew_of(record, workers), remote=store.remote)
    if record.state in WAITING:
        situation = await _waiting(store, situation, brief=brief)
    elif record.state is State.RUNNING and not brief:
        situation = await _running(store, situation, app)
    elif record.state in FINISHED and not brief:
        situation = await _ended(client, situation)
    return situation


async def _waiting(store: Store, known: Situation, *, brief: bool) -> Situation:
    known = replace(known, queues=await store.queues())
    if known.record.state is not State.READY:
        return known
    if not brief and (limit := limit_of(known.queue)) is not None and limit.reached:
        known = replace(known, holders=await _holders_of(store, known.record.queue))
    loads = [await _load(store, one, brief=brief) for one in known.crew.open[:MOST_WORKERS]]
    known = replace(known, loads=loads)
    if brief:
        return known
    queue = known.queue or QueueInfo(name=known.record.queue, paused=False, counts={})
    position = await position_of(store, known.record, queue)
    pace = await pace_of(store, known.record.queue, known.now) if position.about else None
    return replace(known, position=position, pace=pace)


async def _holders_of(store: Store, queue: str) -> list[str]:
    running = await store.find(Query(queue=queue, states=(State.RUNNING,)), MOST_RUNNING)
    return [job.id for job in running.jobs]


async def _load(store: Store, worker: WorkerInfo, *, brief: bool) -> Load:
    query = Query(worker=worker.id, states=(State.RUNNING,))
    number = await store.count(query)
    return Load(worker, number, () if brief or not number else (await store.find(query, MOST_RUNNING)).jobs)


async def _running(store: Store, known: Situation, app: App | None) -> Situation:
    record = known.record
    return replace(
        known,
        successes=await successes_of(store, record),
        last_said=await _last_said(store, record),
        timeout=_timeout_of(record, app),
    )


def _timeout_of(record: JobRecord, app: App | None) -> float | None:
    """What its call asked for, else its task, where that is known here."""
    if "timeout" in record.options:
        asked: float | None = record.options["timeout"]
        return asked
    task = app.tasks.get(record.task) if app is not None else None
    return task.options.timeout if task is not None else None


async def _last_said(store: Store, record: JobRecord) -> float | None:
    """When it last printed or logged anything in this attempt; None where it said too much to look through."""
    after, last = 0, record.started_at
    try:
        for _ in range(MOST_OUTPUT // OUTPUT):
            lines = await store.output(record.id, after, OUTPUT)
            last = max((line.at for line in lines if line.attempt == record.attempt), default=last)
            if len(lines) < OUTPUT:
                return last
            after = lines[-1].position
    except Unsupported:
        pass
    return None


async def _ended(client: AsyncClient, known: Situation) -> Situation:
    record, store = known.record, client.store
    if record.unique_key is not None:
        known = replace(known, holder=await _holder_of(store, record))
    if record.state is State.CANCELLED:
        return replace(known, cancelled_by=await cancelled_by(client, record))
    if record.state is not State.DEAD:
        return known
    successes = await successes_of(store, record)
    comparison = await compared(store, record, successes.jobs[0]) if successes.jobs else None
    return replace(known, successes=successes, alike=await alike_to(store, record), comparison=comparison)


async def _holder_of(store: Store, record: JobRecord) -> str | None:
    """Who holds its unique key now, as far as a look at the newest jobs of its queue tells."""
    unfinished = tuple(state for state in State if not state.finished)
    newest = (await store.find(Query(states=unfinished, queue=record.queue), 200)).jobs
    return next((job.id for job in newest if job.unique_key == record.unique_key and job.id != record.id), None)
