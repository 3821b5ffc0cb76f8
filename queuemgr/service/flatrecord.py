"""A job of the service as the flat record that older programs read, and its tombstone. It asks the store nothing.

`status` is a word, times are local ISO texts with microseconds, `progress` is a whole number of percent.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec

from queuemgr.job import Job, State
from queuemgr.jobs.status import JobStatus, status_of
from queuemgr.store import Snapshot

if TYPE_CHECKING:
    from queuemgr.job import JobRecord
    from queuemgr.service.told import FlatJob
    from queuemgr.service.told.service import StatusWord

QUEUE = "jobs"
"""The queue of the service's own jobs."""

DELETED = "queuemgr.deleted"
"""The task of a tombstone: what stands under a deleted job's id until it is purged."""

IMPORTED = "queuemgr.imported"
"""The task of a job that came out of an older program's registry, where its class was not written down."""

STOPPED = "Job stopped before command completion"
_WORDS = {
    JobStatus.PENDING: "Job created",
    JobStatus.RUNNING: "Job running",
    JobStatus.COMPLETED: "Job completed",
    JobStatus.ERROR: "Job failed",
    JobStatus.STOPPED: "Job stopped by user",
    JobStatus.DELETED: "Job deleted",
}


class Known(Protocol):
    """What a flat record is made of; a JobRecord has it all."""

    @property
    def id(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def state(self) -> State: ...
    @property
    def created_at(self) -> float: ...
    @property
    def started_at(self) -> float | None: ...
    @property
    def finished_at(self) -> float | None: ...
    @property
    def progress(self) -> float | None: ...
    @property
    def note(self) -> str | None: ...
    @property
    def error(self) -> dict[str, Any] | None: ...
    @property
    def result_size(self) -> int | None: ...


class _Told(msgspec.Struct):
    """What a result may say of its own success; the rest of it is not looked at."""

    success: Any = None
    command: Any = None
    mcp_result: Any = None
    error: Any = None
    message: Any = None


def local_time(moment: float) -> str:
    """Naive local time; always with microseconds, which scripts that parse it rely on."""
    return datetime.fromtimestamp(moment).isoformat(timespec="microseconds")  # noqa: DTZ006 - older programs expect it


def is_tombstone(record: Known) -> bool:
    return record.task == DELETED


def status_of_record(record: Known) -> JobStatus:
    return JobStatus.DELETED if is_tombstone(record) else status_of(record.state)


def name_of(status: JobStatus) -> StatusWord:
    return cast("StatusWord", status.name)


def describe(status: JobStatus, note: str | None, error: dict[str, Any] | None) -> str:
    """One sentence for people."""
    if status in (JobStatus.ERROR, JobStatus.STOPPED, JobStatus.DELETED) and error:
        said = _said(error) if status is JobStatus.ERROR else error.get("message")
        return str(said or error.get("reason") or _WORDS[status])
    return note or _WORDS[status]


def _said(error: dict[str, Any]) -> str:
    """The exception's text; where it has none, or no more than a number, its class tells more."""
    kind, said = str(error.get("type") or "").removeprefix("builtins."), str(error.get("message") or "")
    if kind == "SystemExit" and said:
        return f"{kind}: {said}"
    return said or kind


def flat(record: Known, result: Any, now: float, *, suspended: bool = False) -> FlatJob:
    """The record of a job that is no tombstone. `result` may be msgspec.Raw, and is not looked at for success then."""
    status = status_of_record(record)
    times = [record.created_at, record.started_at, record.finished_at]
    facts: FlatJob = {
        "job_id": record.id,
        "status": name_of(status),
        "progress": 100 if status is JobStatus.COMPLETED else int(record.progress or 0),
        "description": describe(status, record.note, record.error),
        "result": result,
        "created_at": local_time(record.created_at),
        "updated_at": local_time(now if status is JobStatus.RUNNING else max(time or 0.0 for time in times)),
        "job_type": record.task.rpartition(".")[2],
        "job_class": record.task,
        "result_size": record.result_size or 0,
    }
    if record.started_at is not None:
        facts["started_at"] = local_time(record.started_at)
    if record.finished_at is not None:
        facts["completed_at"] = local_time(record.finished_at)
    if suspended:
        facts["suspended"] = True
    return facts


def with_success(facts: FlatJob, result: bytes | dict[str, Any] | None) -> FlatJob:
    """The record with what older programs are told of the success of the command inside; `result` may be its JSON."""
    if facts["status"] in ("STOPPED", "DELETED"):
        return _with(facts, False, STOPPED)
    if result is None or (isinstance(result, bytes) and result[:1] != b"{"):
        return facts
    try:
        told = msgspec.json.decode(result, type=_Told) if isinstance(result, bytes) else msgspec.convert(result, _Told)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError):
        return facts
    inner = _inner(told)
    if inner is None:
        return facts
    return _with(facts, inner, None if inner else _complaint(told))


def _inner(told: _Told) -> bool | None:
    command = told.command.get("result") if isinstance(told.command, dict) else None
    for place in (command, told.mcp_result):
        if isinstance(place, dict) and isinstance(place.get("success"), bool):
            return bool(place["success"])
    return told.success if isinstance(told.success, bool) else None


def _with(facts: FlatJob, inner: bool, complaint: str | None) -> FlatJob:
    return {
        **facts,
        "command_success": inner,
        "inner_success": inner,
        "completed_with_error": not inner,
        "command_error_summary": complaint,
    }


def _complaint(told: _Told) -> str | None:
    error = told.error.get("message") if isinstance(told.error, dict) else told.error
    said = error or told.message
    return None if said is None else str(said)


def tombstone(facts: FlatJob, record: JobRecord, now: float, description: str | None = None) -> Snapshot:
    """What is kept of a deleted job under its id: the last record, without the result. `description` says why."""
    words = description or _WORDS[JobStatus.DELETED]
    kept: dict[str, Any] = {name: value for name, value in facts.items() if name != "result"}
    kept |= {"status": "DELETED", "description": words, "updated_at": local_time(now)}
    job = Job(id=record.id, task=DELETED, args=msgspec.json.encode([[kept]]), queue=QUEUE, created_at=record.created_at)
    times = (record.started_at, now)
    return at_rest(job, State.CANCELLED, times, {"message": words})


def at_rest(
    job: Job,
    state: State,
    times: tuple[float | None, float | None],
    error: dict[str, Any] | None = None,
    result: bytes | None = None,
) -> Snapshot:
    """A job that did not come about here; `times` are those of its start and its end."""
    return Snapshot(
        job=job,
        state=state,
        attempt=0,
        failures=0,
        crashes=0,
        cancel=False,
        started_at=times[0],
        finished_at=times[1],
        expires_at=None,
        worker=None,
        progress=None,
        note=None,
        error=error,
        result=result,
        attempts=(),
        output=(),
        holds_key=False,
        unique_until=None,
    )


def flat_tombstone(arguments: bytes) -> FlatJob:
    """The record that `tombstone` kept."""
    kept = cast("FlatJob", {"result": None, **msgspec.json.decode(arguments)[0][0]})
    return _with(kept, False, STOPPED)
