"""What people ask of the store: looking at jobs and changing them. The life of a job is next door, in store.py."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import ConfigError, JobNotFound, StoreError, did_you_mean
from queuemgr.job import State
from queuemgr.keeping import AT_ONCE, read_schedules
from queuemgr.schedule import encode_schedule
from queuemgr.store import QueueInfo, require_priority

from . import copying, listing
from .packing import blob, digit_of, read_asked, read_history, read_line, reference, shown_record
from .workers import read_workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuemgr.clock import Clock
    from queuemgr.job import JobRecord
    from queuemgr.schedule import Schedule
    from queuemgr.store import OutputLine, Page, Query, ScheduleInfo, Snapshot, WorkerInfo

    from .server import Server

VERBS = ("retry", "cancel", "delete", "hold", "release")


class Desk:
    """The part of the store that no worker needs."""

    clock: Clock
    lease: float
    _server: Server
    _numbers: Iterator[str]

    async def get(self, job_id: str) -> JobRecord:
        told, attempts = await self._get(job_id, "record")
        record = shown_record(told)
        return replace(record, attempts=read_history(record, attempts))

    async def arguments(self, job_id: str) -> bytes:
        packed, large = await self._get(job_id, "args")
        asked, args = read_asked(packed, job_id)
        return large or b"" if asked.apart else args

    async def result(self, job_id: str) -> bytes | None:
        (result,) = await self._get(job_id, "result")
        return result  # type: ignore[no-any-return]

    async def output(self, job_id: str, after: int = 0, limit: int = 1000) -> list[OutputLine]:
        lines = await self._get(job_id, "output", after=after, limit=limit)
        return [read_line(position, packed) for position, packed in enumerate(lines, after + 1)]

    async def _get(self, job_id: str, what: str, **more: Any) -> Any:
        told = await self._server.run("get", {"job": reference(job_id), "what": what, **more})
        if told is None:
            raise JobNotFound(job_id)
        return told

    async def find(self, query: Query, limit: int = 50, after: int | str | None = None) -> Page:
        return await listing.find(self._server, query, limit, after)

    async def count(self, query: Query) -> int:
        return await listing.count(self._server, query)

    async def queues(self) -> list[QueueInfo]:
        return sorted(map(_queue, await self._server.run("queues", {})), key=lambda queue: queue.name)

    async def workers(self) -> list[WorkerInfo]:
        now, *told = await self._server.run("workers", {})
        return read_workers(told, float(now), self.lease)

    async def change(self, verb: str, query: Query) -> int:
        if verb not in VERBS:
            raise ConfigError(f"jobs cannot be told to {verb!r}: {did_you_mean(verb, VERBS)}")
        return await self._change(query, verb=verb)

    async def prioritise(self, query: Query, priority: int) -> int:
        require_priority(priority)
        return await self._change(query, verb="prioritise", digit=digit_of(priority))

    async def _change(self, query: Query, **told: str) -> int:
        changed, states = 0, list(query.states)
        async for jobs in listing.references(self._server, query, AT_ONCE):
            changed += await self._server.run("change", {**told, "jobs": jobs, "states": states})
        return changed

    async def pause(self, queue: str) -> None:
        await self._server.run("pause", {"queue": queue, "paused": True})

    async def resume(self, queue: str) -> None:
        await self._server.run("pause", {"queue": queue, "paused": False})

    async def limit(self, queue: str, running: int | None) -> None:
        await self._server.run("limit", {"queue": queue, "running": False if running is None else str(running)})

    async def put_schedule(self, schedule: Schedule, next_at: float | None) -> None:
        kept = {"definition": encode_schedule(schedule), "rule": msgspec.json.encode(schedule.rule).decode()}
        await self._server.run("schedule", {"name": schedule.name, "next_at": next_at, **kept})

    async def schedules(self) -> list[ScheduleInfo]:
        told = await self._server.run("schedules", {})
        return read_schedules(sorted(_schedule(*told[at : at + 4]) for at in range(0, len(told), 4)))

    async def remove_schedule(self, name: str) -> bool:
        return bool(await self._server.run("unschedule", {"name": name}))

    async def prune(self, limit: int = 1000) -> int:
        gone = 0
        while gone < limit:
            most = min(limit - gone, AT_ONCE)
            done = await self._server.run("prune", {"limit": most})
            gone += done
            if done < most:
                break
        return gone

    async def dump(self, after: int | str | None, limit: int) -> tuple[list[Snapshot], int | str | None]:
        return await copying.dump(self._server, after, limit, self.clock.now())

    async def restore(self, snapshots: Sequence[Snapshot]) -> int:
        return await copying.restore(self._server, snapshots, self.clock.now())

    async def key_get(self, key: str) -> bytes | None:
        value: bytes | None = await self._key(key, "get")
        return value

    async def key_put_if_absent(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        return bool(await self._key(key, "put", value=blob(value), ttl=ttl))

    async def key_add(self, key: str, amount: int, ttl: float | None = None) -> int:
        total = await self._key(key, "add", amount=amount, ttl=ttl)
        if total is None:
            raise StoreError(f"the key {key!r} holds no number, so nothing can be added to it")
        return int(total)

    async def key_remove_if(self, key: str, value: bytes) -> bool:
        return bool(await self._key(key, "remove", value=blob(value)))

    async def _key(self, key: str, verb: str, **more: Any) -> Any:
        return await self._server.run("key", {"key": key, "verb": verb, "number": next(self._numbers), **more})


def _queue(told: list[Any]) -> QueueInfo:
    name, paused, counts, oldest, limit = told
    return QueueInfo(
        name=name.decode(),
        paused=bool(paused),
        counts={State(state): number for state, number in enumerate(counts) if number},
        oldest_ready=None if oldest is None else float(oldest),
        limit=None if limit is None else int(limit),
    )


def _schedule(
    name: bytes, definition: bytes, next_at: bytes | None, fired: bytes | None
) -> tuple[str, str, float | None, float | None, str | None]:
    last_at, last_job = None, None
    with suppress(msgspec.MsgspecError, ValueError, TypeError):
        last_at, last_job, _ = msgspec.msgpack.decode(fired) if fired else (None, None, None)
    text = (definition or b"").decode(errors="replace")
    return name.decode(), text, None if next_at is None else float(next_at), last_at, last_job or None
