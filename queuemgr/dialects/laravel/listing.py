"""Looking at jobs where they stand: in the list, in the sorted sets, among the dead. It changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from queuemgr.errors import JobNotFound, UndecodableError
from queuemgr.job import JobRecord, State
from queuemgr.store import Page, QueueInfo

from .link import translated
from .payload import parse
from .picking import unread_id
from .why import Why, read_why

if TYPE_CHECKING:
    from queuemgr.dialect import Reading
    from queuemgr.store import Query

    from .format import Laravel
    from .keys import Keys, QueueKeys
    from .link import Link

STAGES = ("reserved", "ready", "delayed", "dead")
STATE_OF = {"reserved": State.RUNNING, "ready": State.READY, "delayed": State.SCHEDULED}
ENDED = (State.DEAD, State.CANCELLED)
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A job where it stands; `key` is its exact bytes, or its id among the dead. `unread` where it cannot be read."""

    queue: str
    stage: str
    key: bytes
    body: bytes
    record: JobRecord
    unread: bool
    claims: int = 0


class Listing:
    def __init__(self, link: Link, keys: Keys, dialect: Laravel) -> None:
        self._link = link
        self._keys = keys
        self._dialect = dialect

    async def queue_names(self) -> list[str]:
        with translated():
            keys = [key.decode() async for key in self._link.client.scan_iter(match=self._keys.pattern, count=1000)]
        return self._keys.queue_names(keys)

    async def queues(self) -> list[QueueInfo]:
        found = []
        for name in await self.queue_names():
            counts = {State.SCHEDULED: 0, State.READY: 0, State.RUNNING: 0, State.DEAD: 0}
            with translated():
                async with self._link.client.pipeline(transaction=True) as pipe:
                    for stage in STAGES:
                        self._count(pipe, name, stage)
                    numbers = await pipe.execute()
            for stage, number in zip(STAGES, numbers, strict=True):
                counts[STATE_OF.get(stage, State.DEAD)] = number
            found.append(QueueInfo(name=name, paused=False, counts=counts))
        return found

    async def get(self, job_id: str, now: float) -> Found:
        """Raises JobNotFound."""
        for queue in await self.queue_names():
            for stage in STAGES:
                async for found in self._walk(queue, stage, now, 0, quoted(job_id)):
                    if found.record.id == job_id:
                        return found if stage != "reserved" else await self._with_holder(found)
        raise JobNotFound(job_id)

    async def find(self, query: Query, limit: int, after: int | str | None, now: float) -> Page:
        """From each queue what runs, waits, is delayed and is dead, the newest of each first."""
        place, _, queue_after = str(after or "").partition("|")
        stage_after, _, offset_after = place.partition(":")
        jobs: list[JobRecord] = []
        if limit < 1:
            return Page([], after)
        for queue in await self._queues_of(query):
            for stage in _stages(query):
                if (queue, STAGES.index(stage)) < (queue_after, int(stage_after or 0)):
                    continue
                here = queue == queue_after and stage_after == str(STAGES.index(stage))
                offset = int(offset_after) if here else 0
                async for found in self._walk(queue, stage, now, offset, _needle(query)):
                    offset += 1
                    if fits(found.record, query):
                        jobs.append(replace(found.record, position=f"{STAGES.index(stage)}:{offset}|{queue}"))
                    if len(jobs) == limit + 1:
                        return Page(jobs[:-1], jobs[-2].position)
        return Page(jobs, None)

    async def all(self, query: Query, now: float) -> AsyncIterator[Found]:
        for queue in await self._queues_of(query):
            for stage in _stages(query):
                matching = [one async for one in self._walk(queue, stage, now, 0, _needle(query))]
                for found in matching:
                    if fits(found.record, query):
                        yield found

    async def count(self, query: Query, now: float) -> int:
        plain = not any((query.ids, query.task, query.tag, query.worker, query.error)) and not (
            query.created_after or query.created_before
        )
        if not plain or set(query.states) & set(ENDED) not in (set(), set(ENDED)):
            return len([one async for one in self.all(query, now)])
        total = 0
        with translated():
            async with self._link.client.pipeline(transaction=True) as pipe:
                for queue in await self._queues_of(query):
                    for stage in _stages(query):
                        self._count(pipe, queue, stage)
                total = sum(await pipe.execute())
        return total

    async def holder(self, found: Found, workers: list[str]) -> str | None:
        """Which of our workers has reserved it; None for one of Laravel's."""
        payload_field = f"{found.record.attempt} {found.record.id}"
        for worker in workers:
            with translated():
                if await self._link.client.hexists(self._keys.queue(found.queue).held(worker), payload_field):
                    return worker
        return None

    async def _with_holder(self, found: Found) -> Found:
        with translated():
            workers = [name.decode() for name in await self._link.client.hkeys(self._keys.workers)]
        holder = await self.holder(found, sorted(workers))
        return replace(found, record=replace(found.record, worker=holder))

    async def _queues_of(self, query: Query) -> list[str]:
        names = await self.queue_names()
        return names if query.queue is None else [name for name in names if name == query.queue]

    def _count(self, pipe: Any, queue: str, stage: str) -> None:
        keys = self._keys.queue(queue)
        if stage == "ready":
            pipe.llen(keys.ready)
        else:
            pipe.zcard(_key(keys, stage))

    async def _walk(self, queue: str, stage: str, now: float, offset: int, needle: str) -> AsyncIterator[Found]:
        """One stage of a queue, the newest first, from this offset on."""
        keys = self._keys.queue(queue)
        while True:
            if stage == "dead":
                rows, more = await self._dead(keys, offset)
            else:
                rows, more = await self._living(keys, stage, offset, needle)
            for key, body, moment, why in rows:
                yield self._found(queue, stage, key, body, moment, why, now)
            offset += CHUNK
            if not more:
                return

    async def _living(
        self, keys: QueueKeys, stage: str, offset: int, needle: str
    ) -> tuple[list[tuple[bytes, bytes, float | None, Why]], bool]:
        kind = "list" if stage == "ready" else "zset"
        first, last = -offset - CHUNK, -offset - 1
        key = _key(keys, stage)
        with translated():
            size = await (self._link.client.llen(key) if kind == "list" else self._link.client.zcard(key))
        if offset >= size:
            return [], False
        flat = await self._link.run("seek", [key], [kind, max(first, -size), last, needle])
        pairs = list(zip(flat[::2], flat[1::2], strict=True))[::-1]
        rows = [(raw, raw, float(score) if score else None, Why()) for raw, score in pairs]
        return rows, offset + CHUNK < size

    async def dead(self, queue: str, limit: int) -> list[tuple[str, bytes, Why]]:
        found: list[tuple[str, bytes, Why]] = []
        more = True
        while more and len(found) < limit:
            rows, more = await self._dead(self._keys.queue(queue), len(found))
            found += [(job_id.decode(), body, why) for job_id, body, _, why in rows]
        return found[:limit]

    async def _dead(self, keys: QueueKeys, offset: int) -> tuple[list[tuple[bytes, bytes, float | None, Why]], bool]:
        with translated():
            ids = await self._link.client.zrevrange(keys.dead, offset, offset + CHUNK - 1)
            if not ids:
                return [], False
            async with self._link.client.pipeline(transaction=True) as pipe:
                pipe.hmget(keys.bodies, ids)
                pipe.hmget(keys.reasons, ids)
                bodies, reasons = await pipe.execute()
        rows: list[tuple[bytes, bytes, float | None, Why]] = [
            (job_id, body or b"", None, read_why(told)) for job_id, body, told in zip(ids, bodies, reasons, strict=True)
        ]
        return rows, len(ids) == CHUNK

    def _found(
        self, queue: str, stage: str, key: bytes, body: bytes, moment: float | None, why: Why, now: float
    ) -> Found:
        state = STATE_OF.get(stage, why.state)
        try:
            payload = parse(body)
        except UndecodableError:
            job_id = key.decode() if stage == "dead" else unread_id(body)
            record = record_of(job_id, "(unreadable)", queue, state, None, why, now)
            return Found(queue, stage, key, body, record, unread=True)
        reading = self._dialect.reading(payload, now)
        record = record_of(reading.id, reading.names[0], queue, state, reading, why, now)
        counted = max(payload.marker.claims, payload.attempts)
        record = replace(record, attempt=counted if state is State.RUNNING else record.attempt)
        if state is State.SCHEDULED:
            record = replace(record, run_at=moment)
        if state is State.RUNNING and payload.marker.claims:
            # The reservation counts a crash that has not happened.
            record = replace(record, crashes=max(0, record.crashes - 1))
        return Found(queue, stage, key, body, record, unread=False, claims=why.claims)


def record_of(
    job_id: str, task: str, queue: str, state: State, reading: Reading | None, why: Why, now: float
) -> JobRecord:
    failures = reading.failures if reading else 0
    error = None
    if state.finished:
        error = {**(why.error or {}), **({"reason": why.reason} if why.reason else {})}
        if "message" not in error:
            error["message"] = why.reason
    return JobRecord(
        id=job_id,
        task=task,
        queue=queue,
        state=state,
        priority=0,
        created_at=now if reading is None or reading.created_at is None else reading.created_at,
        run_at=None,
        started_at=None,
        finished_at=why.at if state.finished else None,
        expires_at=None,
        attempt=failures,
        failures=failures,
        crashes=why.crashes if state.finished else (reading.crashes if reading else 0),
        worker=why.worker,
        progress=None,
        note=None,
        error=error,
        unique_key=reading.unique_key if reading else None,
        tags=reading.tags if reading else (),
        options=(reading.options if reading else None) or {},
        cancel_requested=False,
        position="",
        result_size=None,
    )


def _key(keys: QueueKeys, stage: str) -> str:
    key: str = getattr(keys, stage)
    return key


def _stages(query: Query) -> list[str]:
    if not query.states:
        return list(STAGES)
    wanted = {"dead" if state in ENDED else stage for state in query.states for stage in STAGES if _is(stage, state)}
    return [stage for stage in STAGES if stage in wanted]


def _is(stage: str, state: State) -> bool:
    return state in ENDED if stage == "dead" else STATE_OF[stage] is state


def fits(record: JobRecord, query: Query) -> bool:
    error = query.error is None or query.error in str((record.error or {}).get("type", ""))
    return (
        error
        and (not query.ids or record.id in query.ids)
        and (not query.states or record.state in query.states)
        and query.task in (None, record.task)
        and (query.tag is None or query.tag in record.tags)
        and query.worker in (None, record.worker)
        and (query.created_after is None or record.created_at >= query.created_after)
        and (query.created_before is None or record.created_at < query.created_before)
    )


def _needle(query: Query) -> str:
    """A text that the payload of every wanted job contains."""
    return quoted(query.ids[0]) if len(query.ids) == 1 else ""


def quoted(job_id: str) -> str:
    # An id that is a hash stands nowhere in its payload.
    return f'"{job_id}"' if len(job_id) in (32, 36) and job_id.replace("-", "").isalnum() else ""
