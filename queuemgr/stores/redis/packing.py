"""How jobs are written down, and read again. The scripts know the same layout: see `lua/job.lua`.

A job's place is where it stands in the order of age: its id where that is a UUID of version 7, else such a UUID, "~"
and the id.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import CorruptStore
from queuemgr.job import Attempt, Job, JobRecord, Lease, State, new_id, order_of
from queuemgr.keeping import sound
from queuemgr.store import OutputLine

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGE = 4096
"""Bytes of arguments that are kept apart, so that what looks at jobs does not carry them along."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What was asked, but for the arguments: written once. `apart` says that those are kept apart."""

    queue: str
    priority: int
    keep: float | None
    at_most_once: bool
    crash_budget: int
    unique: str | None
    tags: tuple[str, ...] | None
    task: str
    created_at: float
    options: dict[str, Any] | None
    apart: bool


_asked = msgspec.msgpack.Decoder(Asked).decode


def blob(data: bytes) -> msgspec.Raw:
    """Bytes for a script, as a text: what unpacks them there knows no bytes and takes any text."""
    size = len(data)
    if size < 32:
        return msgspec.Raw(bytes((0xA0 | size,)) + data)
    if size < 256:
        return msgspec.Raw(bytes((0xD9, size)) + data)
    if size < 65536:
        return msgspec.Raw(b"\xda" + size.to_bytes(2, "big") + data)
    return msgspec.Raw(b"\xdb" + size.to_bytes(4, "big") + data)


def reference(job_id: str) -> str:
    """How a script is told a job: by its place where the id tells it, else by "~" and the id."""
    return job_id if order_of(job_id) is not None else f"~{job_id}"


def id_of(place: str) -> str:
    return place[37:] if place[36:37] == "~" else place


def packed_job(job: Job, place: str | None = None) -> list[Any]:
    """A job as the scripts accept it (`lua/accept.lua`)."""
    small = len(job.args) <= LARGE
    unique = job.unique
    body = Asked(
        job.queue,
        job.priority,
        job.keep,
        job.at_most_once,
        job.crash_budget,
        unique.key if unique is not None else None,
        job.tags or None,
        job.task,
        job.created_at,
        job.options or None,
        not small,
    )
    ref = reference(job.id)
    if place is None:
        place = ref if ref is job.id else f"{new_id()}~{job.id}"
    head = _encode(body)
    packed = blob(len(head).to_bytes(4, "big") + head + (job.args if small else b""))
    entry: list[Any] = [ref, place, packed, job.queue, digit_of(job.priority)]
    if small and unique is None and not job.tags and not job.held and job.run_at is None and job.delay is None:
        return entry
    entry += (None if small else blob(job.args), job.run_at, job.delay, job.held)
    entry += (None, None, None) if unique is None else (unique.key, unique.window, unique.on_conflict)
    entry.append(job.tags or None)
    return entry


def digit_of(priority: int) -> str:
    """What stands before a job's place among the ready ones."""
    return str(9 - max(0, min(9, priority)))


def is_plain(entry: list[Any]) -> bool:
    """Whether there is no more to a packed job than what nearly all have (`lua/push.lua`)."""
    return len(entry) == 5 and entry[0] is entry[1]


def read_asked(packed: bytes | None, place: str) -> tuple[Asked, bytes]:
    """What was asked, and the arguments that are not kept apart. Raises CorruptStore."""
    try:
        if packed is None:
            raise ValueError("there is nothing of what was asked")
        end = 4 + int.from_bytes(packed[:4], "big")
        return _asked(packed[4:end]), packed[end:]
    except _DAMAGE as error:
        raise _damaged(place, error) from error


_DAMAGE = (msgspec.MsgspecError, ValueError, TypeError)


def _damaged(place: str, error: Exception) -> CorruptStore:
    return CorruptStore(f"the job {id_of(place)} is damaged ({error}): delete it by its id")


def read_lease(told: Sequence[Any], started_at: float) -> Lease:
    """A lease from what `claim` tells of it: place, job, large arguments, attempt, failures, crashes.

    Raises CorruptStore.
    """
    place, packed, large, attempt, failures, crashes = told
    key = place.decode()
    asked, args = read_asked(packed, key)
    return Lease(
        key,
        id_of(key),
        asked.task,
        asked.queue,
        attempt,
        failures,
        crashes,
        asked.at_most_once,
        asked.options,
        large or b"" if asked.apart else args,
        started_at,
        asked.unique is not None,
    )


def bare_lease(told: Sequence[Any], started_at: float) -> Lease:
    """The same without what the job says itself: enough to end it."""
    place, (attempt, failures, crashes) = told[0].decode(), told[3:6]
    return Lease(place, id_of(place), "", "", attempt, failures, crashes, False, None, b"", started_at)


def read_run(packed: bytes | None) -> list[Any]:
    """What has become of a job, as `lua/job.lua` lays it out; None instead of false."""
    if packed is None:
        return [State.READY, None, None, 0, 0, 0, *[None] * 9]
    return [None if value is False else value for value in _decode(packed)]


def read_record(told: Sequence[Any]) -> JobRecord:
    """A record from place, job, run, error and the size of the result. Raises CorruptStore."""
    place = told[0].decode()
    asked, _ = read_asked(told[1], place)
    try:
        return _record(place, asked, read_run(told[2]), read_error(told[3]), told[4])
    except _DAMAGE as damage:
        raise _damaged(place, damage) from damage


def shown_record(told: Sequence[Any]) -> JobRecord:
    """The same; of a damaged job what can be read of it, so that it can be seen and deleted."""
    try:
        return read_record(told)
    except CorruptStore as damage:
        asked, run, error = _UNREADABLE, _LOST, {"type": "queuemgr.errors.CorruptStore", "message": str(damage)}
    place = told[0].decode()
    with suppress(CorruptStore):
        asked, _ = read_asked(told[1], place)
    with suppress(*_DAMAGE):
        _record(place, asked, found := read_run(told[2]), None, None)
        run, asked = found, msgspec.structs.replace(asked, queue=asked.queue or found[1] or "")
    with suppress(*_DAMAGE):
        error = read_error(told[3]) or error
    return _record(place, asked, run, error, told[4])


def _record(
    place: str, asked: Asked, run: Sequence[Any], error: dict[str, Any] | None, result_size: int | None
) -> JobRecord:
    state, _, digit, attempt, failures, crashes, run_at, started_at, finished_at, expires_at, *more = run
    worker, progress, note, cancel, _ = more
    return JobRecord(
        id=id_of(place),
        task=asked.task,
        queue=asked.queue,
        state=State(state),
        priority=_priority(asked, digit),
        created_at=asked.created_at,
        run_at=run_at,
        started_at=started_at,
        finished_at=finished_at,
        expires_at=expires_at,
        attempt=attempt,
        failures=failures,
        crashes=crashes,
        worker=worker,
        progress=progress,
        note=note,
        error=error,
        unique_key=asked.unique,
        tags=asked.tags or (),
        options=asked.options or {},
        cancel_requested=bool(cancel),
        position=place,
        result_size=result_size,
    )


_UNREADABLE = Asked("", 5, None, True, 0, None, None, "", 0.0, None, False)
_LOST = [State.DEAD, None, None, 0, 0, 0, *[None] * 9]


def _priority(asked: Asked, digit: str | None) -> int:
    """That with which it was enqueued, unless it was given another since."""
    return asked.priority if digit in (None, digit_of(asked.priority)) else 9 - int(digit)


def read_history(job: JobRecord, packed: Sequence[bytes]) -> tuple[Attempt, ...]:
    """All attempts. A success that had nothing more to tell stands only in the job. Raises CorruptStore."""
    try:
        attempts = tuple(map(_read_attempt, packed))
    except _DAMAGE as error:
        raise _damaged(str(job.position), error) from error
    if job.state is not State.SUCCEEDED or (attempts and attempts[-1].number == job.attempt):
        return attempts
    last = Attempt(
        number=job.attempt,
        worker=job.worker or "",
        started_at=job.started_at or 0.0,
        ended_at=job.finished_at or 0.0,
        outcome="succeeded",
    )
    return (*attempts, last)


def pack_attempt(one: Attempt) -> msgspec.Raw:
    said = (one.outcome, one.error or False, one.exit_signal or False, one.peak_memory or False)
    return blob(_encode((one.number, one.worker, one.started_at, one.ended_at, *said)))


def pack_line(attempt: int, at: float, stream: str, text: str) -> msgspec.Raw:
    return blob(_encode((attempt, at, stream, sound(text))))


def read_line(position: int, packed: bytes) -> OutputLine:
    return OutputLine(position, *_decode(packed))


def pack_error(error: dict[str, Any] | None) -> msgspec.Raw | None:
    return None if error is None else blob(_encode(error))


def read_error(packed: bytes | None) -> dict[str, Any] | None:
    return _decode(packed) if packed else None


def _read_attempt(packed: bytes) -> Attempt:
    number, worker, started_at, ended_at, outcome, error, exit_signal, peak_memory = _decode(packed)
    return Attempt(
        number=number,
        worker=worker,
        started_at=started_at,
        ended_at=ended_at,
        outcome=outcome,
        error=error or None,
        exit_signal=exit_signal or None,
        peak_memory=peak_memory or None,
    )
