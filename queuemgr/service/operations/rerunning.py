"""Enqueues the task of a job again, with its arguments or with edited ones; the job itself stays as it is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import EncodingError, Unsupported
from queuemgr.executor import BadCall, decode_arguments
from queuemgr.job import Job, Unique, new_id
from queuemgr.options import Options
from queuemgr.service.facts import job_facts
from queuemgr.service.failures import Misused, NotAllowed
from queuemgr.service.payloads import arguments_of, format_of
from queuemgr.store import Query
from queuemgr.task import Call

from .contents import count_of_secrets
from .jobs import resolve
from .operation import Operation, Scope
from .sending import MAX_PAYLOAD, RUN_OPTIONS, obstacles

if TYPE_CHECKING:
    from queuemgr.app import App
    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord
    from queuemgr.service.told import JobRerun

CHANGEABLE = ("queue", "priority", "tags", "keep", "delay", "at", "held", *RUN_OPTIONS)
_RAW = frozenset({"bytes", "bytearray"})


async def rerun_job(
    client: AsyncClient,
    app: App | None,
    job_id: str,
    positional: list[Any] | None = None,
    named: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
) -> JobRerun:
    """A new job of the same task, with the options of the first one.

    `positional` and `named` take the place of its arguments, in the form in which `jobs.arguments` shows them; without
    either they are the same. `options` change its queue, priority, tags, keep, delay, at, held, attempts or timeout.
    Raises JobNotFound, JobExists, NotAllowed where edited arguments hold a secret that was shown as dots, Misused,
    BadArguments, ConfigError.
    """
    record = await client.get(await resolve(client, job_id))
    data = await client.store.arguments(record.id)
    edited = data if positional is None and named is None else _edited(record, data, positional, named)
    _check(app, record, edited)
    job = _with_options(await _copy_of(client, record), options or {})
    call: Call[Any] = Call(_with_arguments(job, edited, client.clock.now()))
    handle = await client.enqueue(call)
    made = await client.get(handle.id)
    return {
        "id": handle.id,
        "of": record.id,
        "existing": handle.existing,
        "job": job_facts(made, client.clock.now()),
        "obstacles": await obstacles(client, made.task, made.queue),
    }


def _edited(record: JobRecord, data: bytes, positional: list[Any] | None, named: dict[str, Any] | None) -> bytes:
    before = arguments_of(data)
    if "unreadable" in before and (positional is None or named is None):
        raise NotAllowed(f"the arguments of job {record.id} cannot be read ({before['unreadable']}): give all of them")
    args = before["positional"] if positional is None else positional
    kwargs = before["named"] if named is None else named
    if count_of_secrets([args, kwargs]):
        raise NotAllowed(
            f"the arguments of job {record.id} hold a secret, which is shown as dots and cannot be sent back as them",
            "run it again unchanged, or enqueue the task from a program that knows the secret",
        )
    binary = format_of(data) == "msgpack"
    value = [_native(args) if binary else args, *([_native(kwargs) if binary else kwargs] if kwargs else [])]
    written = msgspec.msgpack.encode(value) if binary else msgspec.json.encode(value)
    if len(written) > MAX_PAYLOAD:
        raise EncodingError(f"the arguments take {len(written):,} bytes and the limit is {MAX_PAYLOAD:,}")
    return written


def _native(value: Any) -> Any:
    """Bytes as MessagePack writes them; as JSON they were text."""
    if isinstance(value, list):
        return [_native(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("$") in _RAW and isinstance(value.get("v"), str):
        data = msgspec.convert(value["v"], bytes)
        return data if value["$"] == "bytes" else {**value, "v": data}
    return {name: _native(item) for name, item in value.items()}


def _check(app: App | None, record: JobRecord, data: bytes) -> None:
    """As an enqueue from the program would. Raises BadArguments, Misused."""
    task = app.tasks.get(record.task) if app is not None else None
    if app is None or task is None:
        return
    checker = task.prepare()
    try:
        checker.check(*decode_arguments(app.codec, data))
    except BadCall as error:
        raise Misused(f"the arguments of {record.task} cannot be read: {error}") from error


async def _copy_of(client: AsyncClient, record: JobRecord) -> Job:
    """The request as it was made, with a new id and without its moment."""
    # A page of whole jobs begins after a position: that of the job before this one.
    before = (await client.store.find(Query(), 1, record.position)).jobs
    try:
        snapshots, _ = await client.store.dump(before[0].position if before else None, 1)
    except Unsupported:
        raise NotAllowed(
            f"the store does not give job {record.id} back as it was made, so it cannot be made again with its options",
            f"queuemgr enqueue {record.task} ARGUMENTS",
        ) from None
    if snapshots and snapshots[0].job.id == record.id:
        job = snapshots[0].job
        return msgspec.structs.replace(job, id=new_id(), run_at=None, delay=None, held=False)
    raise NotAllowed(f"job {record.id} is being changed at this moment", "try it again")


def _with_options(job: Job, options: dict[str, Any]) -> Job:
    """Raises Misused, UnknownOption, ConfigError."""
    wrong = [name for name in options if name not in CHANGEABLE]
    if wrong:
        raise Misused(f"a job cannot be run again with another {wrong[0]}", f"change one of {', '.join(CHANGEABLE)}")
    checked = Options().changed(options)  # type: ignore[arg-type]
    own = {name: getattr(checked, name) for name in options if name not in RUN_OPTIONS and name != "at"}
    if "at" in options:
        own["run_at"] = checked.at
    run = {**(job.options or {}), **{name: getattr(checked, name) for name in options if name in RUN_OPTIONS}}
    return msgspec.structs.replace(job, **own, options=run or None)


def _with_arguments(job: Job, data: bytes, now: float) -> Job:
    """Where the unique key was made of the arguments, it is made of the new ones."""
    unique = job.unique
    if unique is not None and unique.key == _key(job.task, job.args):
        unique = Unique(_key(job.task, data), unique.window, unique.on_conflict)
    return msgspec.structs.replace(job, args=data, unique=unique, created_at=now)


def _key(task: str, data: bytes) -> str:
    return f"{task}:{hashlib.blake2b(data, digest_size=12).hexdigest()}"


OPERATIONS = (
    Operation(
        "jobs.rerun",
        rerun_job,
        Scope.OPERATE,
        "POST /jobs/{job_id}/rerun",
        "jobs rerun",
        "enqueue the task of a job again, with the same or edited arguments",
    ),
)
