"""The service's own jobs, asked for and changed one at a time, as flat records (`service.flatrecord`)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from queuemgr.errors import InvalidJobStateError, JobAlreadyExistsError, JobNotFound, ProcessControlError, did_you_mean
from queuemgr.job import State
from queuemgr.jobs.status import JobStatus
from queuemgr.service.burying import bury
from queuemgr.service.facts import stream_of
from queuemgr.service.failures import Misused
from queuemgr.service.flatrecord import (
    DELETED,
    IMPORTED,
    QUEUE,
    flat_tombstone,
    is_tombstone,
    status_of_record,
)
from queuemgr.service.lines import whole_lines
from queuemgr.service.shown import flat_with
from queuemgr.store import Query

from .jobs import output_of
from .operation import Operation, Scope

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord
    from queuemgr.service.presence import Presence
    from queuemgr.service.told import (
        FlatJob,
        FlatJobAsked,
        FlatJobInspected,
        FlatJobItems,
        FlatJobLogs,
        FlatJobPage,
        FlatJobPurged,
        FlatJobSuspended,
        ListedFlatJob,
    )

WHOLE = 128 * 1024 * 1024
"""Bytes of a result up to which its job's record holds it whole."""

INLINE = 16 * 1024
"""Bytes up to which it stands in a list of records."""

NO_CLASS = "its class is not known, it came out of an older registry: purge it and add it again"

MARGIN = 10.0
"""Seconds beyond those that a stop takes, until it is said that it failed."""

_STARTED = (State.READY, State.SCHEDULED, State.PARKED)
_STATES = {
    JobStatus.PENDING: (State.SCHEDULED, State.READY, State.HELD, State.PARKED),
    JobStatus.RUNNING: (State.RUNNING,),
    JobStatus.COMPLETED: (State.SUCCEEDED,),
    JobStatus.ERROR: (State.DEAD,),
    JobStatus.STOPPED: (State.CANCELLED,),
}


async def add(
    client: AsyncClient,
    presence: Presence,
    job_class: str,
    job_id: str,
    params: dict[str, Any] | None = None,
    *,
    start: bool = False,
    options: dict[str, Any] | None = None,
) -> FlatJobAsked:
    """`options`: "timeout", "memory_limit", "priority", "delay", "tags" and further of a task.

    Raises JobAlreadyExistsError, UnknownTask, ValidationError, EncodingError, ConfigError.
    """
    with presence.new_job(job_id, job_class, params or {}, (options or {}) | {"held": not start}) as job:
        if await _is_taken(client, job_id):
            raise JobAlreadyExistsError(job_id)
        await client.store.enqueue([job])
    return {"job_id": job_id, "status": "PENDING"}


async def start(client: AsyncClient, job_id: str) -> FlatJobAsked:
    """It runs as soon as there is room. Raises JobNotFound, InvalidJobStateError."""
    record = await client.get(job_id)
    if record.task == IMPORTED:
        raise _refusal(record, "start", NO_CLASS)
    if not await client.release(job_id) and (record := await client.get(job_id)).state not in _STARTED:
        hint = "restart it to run it again" if record.state.finished and not is_tombstone(record) else ""
        raise _refusal(record, "start", hint)
    return {"job_id": job_id, "status": "PENDING"}


async def stop(
    client: AsyncClient,
    presence: Presence,
    job_id: str,
    *,
    notice: float | None = None,
    grace: float | None = None,
    wait: bool = True,
) -> FlatJob:
    """`status` of the job once it has stopped, or with `wait` false at once.

    For `notice` seconds it may end by itself, then it is interrupted, and killed `grace` seconds later; by default as
    the service is set up. Raises JobNotFound, InvalidJobStateError where it has ended, ProcessControlError.
    """
    if not await client.cancel(job_id):
        raise _refusal(await client.get(job_id), "stop")
    patience = presence.stop_job(job_id, notice, grace) + MARGIN
    if wait and await client.store.wait_finished(job_id, patience) is None:
        told = TimeoutError(f"it did not end within {patience:g} s; it is stopped as soon as that is possible")
        raise ProcessControlError(job_id, "stop", told)
    return await status(client, presence, job_id)


async def delete(client: AsyncClient, presence: Presence, job_id: str, *, force: bool = False) -> FlatJob:
    """The record that is left: the id stays taken until it is purged. A running job is stopped first.

    With `force` it is killed at once. Raises JobNotFound, InvalidJobStateError where it is deleted already.
    """
    record = await client.get(job_id)
    if is_tombstone(record):
        raise _refusal(record, "delete", "purge it to free its id")
    if record.state is State.RUNNING:
        how = {"notice": 0.0, "grace": 0.0} if force else {}
        await _stop_if_running(client, presence, job_id, **how)
    elif not record.state.finished:
        await client.cancel(job_id)
    return await bury(client, await client.get(job_id))


async def purge(client: AsyncClient, presence: Presence, job_id: str) -> FlatJobPurged:
    """Nothing is left of it. Raises JobNotFound, InvalidJobStateError where it runs."""
    if not await client.delete(job_id):
        raise _refusal(await client.get(job_id), "purge", "stop or delete it first")
    presence.forgotten(job_id)
    return {"job_id": job_id, "purged": True}


async def restart(client: AsyncClient, presence: Presence, job_id: str) -> FlatJobAsked:
    """It runs again from the start; a running one is stopped first.

    Raises JobNotFound, InvalidJobStateError.
    """
    record = await client.get(job_id)
    if is_tombstone(record) or record.task == IMPORTED:
        raise _refusal(record, "restart", NO_CLASS if record.task == IMPORTED else "")
    if record.state is State.HELD:
        return await start(client, job_id)
    if record.state is State.RUNNING:
        await _stop_if_running(client, presence, job_id)
    await client.retry(job_id)
    return {"job_id": job_id, "status": "PENDING"}


async def status(client: AsyncClient, presence: Presence, job_id: str, whole: int = WHOLE) -> FlatJob:
    """The flat record with the whole result; one of more than `whole` bytes at a glance. Raises JobNotFound."""
    record = await client.get(job_id)
    return await _flat(client, presence, record, min(whole, WHOLE), glance=True)


async def wait(
    client: AsyncClient, presence: Presence, job_id: str, timeout: float | None = None, whole: int = WHOLE
) -> FlatJob:
    """`status` once the job has ended, or as it is after `timeout` seconds. Raises JobNotFound."""
    await client.store.wait_finished(job_id, timeout)
    return await status(client, presence, job_id, whole)


async def list_records(
    client: AsyncClient,
    presence: Presence,
    status_filter: str | None = None,
    limit: int = 1000,
    after: str | None = None,
) -> FlatJobPage:
    """Newest first; results only where they are small. Raises Misused."""
    wanted = None if status_filter is None else _status_named(status_filter)
    page = await client.find(_query(wanted), limit, after)
    jobs: list[ListedFlatJob] = []
    for record in page.jobs:
        if wanted in (None, status_of_record(record)):
            with suppress(JobNotFound):  # it has just been purged
                facts = await _flat(client, presence, record, INLINE, glance=False)
                jobs.append({**facts, "is_running": record.state is State.RUNNING})
    return {"jobs": jobs, "after": None if page.after is None else str(page.after)}


async def page(
    client: AsyncClient, job_id: str, offset: int = 0, limit: int = 100, at: str | None = None
) -> FlatJobItems:
    """Items of a result that is a list, or has one at the key `at`; a negative `offset` counts from the end.

    Raises JobNotFound, ResultError.
    """
    items = await client.handle(job_id).page(offset, limit, at)
    return {"items": items, "offset": offset, "at": at}


async def logs(client: AsyncClient, job_id: str) -> FlatJobLogs:
    """The lines of each stream. Raises JobNotFound."""
    lines: FlatJobLogs = {"stdout": [], "stderr": [], "log": []}
    async for line in whole_lines(output_of(client, job_id)):
        lines[stream_of(line)].append(line.text)
    return lines


async def suspend(client: AsyncClient, presence: Presence, job_id: str) -> FlatJobSuspended:
    """Raises JobNotFound, InvalidJobStateError."""
    if not presence.suspend_job(job_id):
        raise _refusal(await client.get(job_id), "suspend", "only a running job can be suspended")
    return {"job_id": job_id, "suspended": True}


async def resume(client: AsyncClient, presence: Presence, job_id: str) -> FlatJobSuspended:
    """Raises JobNotFound, InvalidJobStateError."""
    if not presence.resume_job(job_id):
        raise _refusal(await client.get(job_id), "resume", "only a suspended job can be resumed")
    return {"job_id": job_id, "suspended": False}


async def inspect(client: AsyncClient, presence: Presence, job_id: str) -> FlatJobInspected:
    """Raises JobNotFound, InvalidJobStateError."""
    seen = await presence.inspect_job(job_id)
    if seen is None:
        raise _refusal(await client.get(job_id), "inspect", "only a running job has processes")
    return {"job_id": job_id, **seen}


async def _stop_if_running(client: AsyncClient, presence: Presence, job_id: str, **how: Any) -> None:
    try:
        await stop(client, presence, job_id, **how)
    except InvalidJobStateError:
        return  # it has just ended by itself


async def _is_taken(client: AsyncClient, job_id: str) -> bool:
    try:
        await client.store.wait_finished(job_id, 0)  # less to look at than all that is known of it
    except JobNotFound:
        return False
    return True


async def _flat(client: AsyncClient, presence: Presence, record: JobRecord, most: int, *, glance: bool) -> FlatJob:
    if is_tombstone(record):
        return flat_tombstone(await client.store.arguments(record.id))
    data = await client.store.result(record.id) if record.result_size else None
    return await flat_with(client, record, data, most, glance=glance, suspended=presence.is_suspended(record.id))


def _status_named(name: str) -> JobStatus:
    try:
        return JobStatus[name.upper()]
    except KeyError:
        raise Misused(f"{name!r} is no status: {did_you_mean(name.upper(), JobStatus.__members__)}") from None


def _query(wanted: JobStatus | None) -> Query:
    if wanted is JobStatus.DELETED:
        return Query(queue=QUEUE, task=DELETED)
    return Query(queue=QUEUE, states=() if wanted is None else _STATES[wanted])


def _refusal(record: JobRecord, operation: str, hint: str = "") -> InvalidJobStateError:
    return InvalidJobStateError(record.id, status_of_record(record).name, operation, hint)


OPERATIONS = (
    Operation(
        "job.status",
        status,
        Scope.READ,
        "GET /service/jobs/{job_id}",
        "job status",
        "one job of the service as a flat record, with its result",
    ),
    Operation(
        "job.list", list_records, Scope.READ, "GET /service/jobs", "job list", "jobs of the service as flat records"
    ),
    Operation(
        "job.page", page, Scope.READ, "GET /service/jobs/{job_id}/items", "job status --page", "items of a large result"
    ),
    Operation(
        "job.logs", logs, Scope.READ, "GET /service/jobs/{job_id}/logs", "job logs", "what a job printed and logged"
    ),
    Operation(
        "job.wait",
        wait,
        Scope.READ,
        "GET /service/jobs/{job_id}/wait",
        "job wait",
        "wait until a job of the service has ended",
    ),
    Operation(
        "job.inspect",
        inspect,
        Scope.READ,
        "GET /service/jobs/{job_id}/inspection",
        "job inspect",
        "processor, memory, open files, children and stack of a running job",
    ),
    Operation(
        "job.add",
        add,
        Scope.OPERATE,
        "POST /service/jobs",
        "job add",
        "add a job of a job class; it waits until it is started",
    ),
    Operation(
        "job.start",
        start,
        Scope.OPERATE,
        "POST /service/jobs/{job_id}/start",
        "job start",
        "let a job that was added run",
    ),
    Operation(
        "job.stop", stop, Scope.OPERATE, "POST /service/jobs/{job_id}/stop", "job stop", "stop a job, gently first"
    ),
    Operation(
        "job.delete",
        delete,
        Scope.OPERATE,
        "POST /service/jobs/{job_id}/delete",
        "job delete",
        "stop a job and forget what it did; its id stays taken",
    ),
    Operation(
        "job.purge",
        purge,
        Scope.OPERATE,
        "DELETE /service/jobs/{job_id}",
        "job purge",
        "forget a job altogether, so that its id is free",
    ),
    Operation(
        "job.restart",
        restart,
        Scope.OPERATE,
        "POST /service/jobs/{job_id}/restart",
        "job restart",
        "run a job again from the start",
    ),
    Operation(
        "job.suspend",
        suspend,
        Scope.OPERATE,
        "POST /service/jobs/{job_id}/suspend",
        "job suspend",
        "halt the processes of a running job",
    ),
    Operation(
        "job.resume",
        resume,
        Scope.OPERATE,
        "POST /service/jobs/{job_id}/resume",
        "job resume",
        "let a suspended job go on",
    ),
)
