"""How jobs, leases and settlements travel: as JSON, which both sides read and write faster than rows of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.job import Lease, State, Unique
from queuemgr.keeping import error_with, sound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from queuemgr.job import Job
    from queuemgr.liveness import Life
    from queuemgr.store import Claim, Report, Settlement, WorkerInfo

    from .statements import Value

LeaseRow = tuple[int, str, str, str, int, int, int, bool, Any, bytes, float, bool]
_OPTIONS = 8


class ClaimAnswer(msgspec.Struct):
    now: float
    known: bool
    another: bool = False
    leases: list[LeaseRow] | None = None
    due: float | None = None

    def taken(self) -> list[Lease]:
        return [_lease(row) for row in self.leases or ()]


class BeatAnswer(msgspec.Struct):
    now: float
    known: bool
    cancelled: list[str] | None


class RollAnswer(msgspec.Struct):
    now: float
    workers: list[tuple[str, str, int, int, float, str]] | None


class LookAnswer(msgspec.Struct):
    now: float
    ready: list[str] | None
    due: float | None
    ended: list[tuple[str, int | None]] | None


class EnqueueAnswer(msgspec.Struct):
    """`taken` is a unique key and the job that holds it."""

    jobs: list[tuple[str, bool, str | None]] = []
    taken: tuple[str, str] | None = None


class _Wish(msgspec.Struct):
    worker: str
    ticket: int
    life: Life | None
    lease: float
    queues: Sequence[tuple[str, int]]
    most: int
    tasks: list[str]


class _Sent(msgspec.Struct, omit_defaults=True):
    """A job, without what most jobs do not say: that halves what the server has to read."""

    id: str
    task: str
    args: bytes
    queue: str
    priority: int
    created_at: float
    crash_budget: int
    run_at: float | None = None
    delay: float | None = None
    keep: float | None = None
    at_most_once: bool = False
    held: bool = False
    unique: Unique | None = None
    tags: tuple[str, ...] = ()
    options: dict[str, Any] | None = None


class _Success(msgspec.Struct, omit_defaults=True):
    n: int
    seq: int | str
    attempt: int
    worker: str
    began_at: float
    ended_at: float
    result: bytes | None = None


class _End(msgspec.Struct, omit_defaults=True):
    n: int
    seq: int | str
    attempt: int
    worker: str
    began_at: float
    ended_at: float
    state: int
    word: str
    failed: bool
    crashed: bool
    run_at: float | None = None
    result: bytes | None = None
    error: msgspec.Raw | None = None
    exit_signal: str | None = None
    peak_memory: int | None = None


class _Said(msgspec.Struct, omit_defaults=True):
    seq: int | str
    attempt: int
    progress: float | None
    note: str | None
    output: list[tuple[float, str, bytes]]


encode = msgspec.json.Encoder().encode
decode_claim = msgspec.json.Decoder(ClaimAnswer).decode
decode_beat = msgspec.json.Decoder(BeatAnswer).decode
decode_roll = msgspec.json.Decoder(RollAnswer).decode
decode_look = msgspec.json.Decoder(LookAnswer).decode
decode_enqueue = msgspec.json.Decoder(EnqueueAnswer).decode
decode_numbers = msgspec.json.Decoder(list[int] | None).decode


def _lease(row: LeaseRow) -> Lease:
    if row[_OPTIONS] is None or isinstance(row[_OPTIONS], dict):
        return Lease(*row)
    # A damaged row must not stop the claim: without readable arguments it ends among the dead, its bytes kept.
    seq, job_id, task, queue, attempt, failures, crashes, once, _, _, started_at, unique = row
    return Lease(seq, job_id, task, queue, attempt, failures, crashes, once, None, b"", started_at, unique)


def encode_wish(claim: Claim, ticket: int, lease: float, life: Life | None) -> bytes:
    return encode(_Wish(claim.worker, ticket, life, lease, claim.queues, claim.limit, list(claim.tasks)))


def life_of(worker: WorkerInfo | None) -> Life | None:
    """By which process a worker is told from others that had its name before."""
    return None if worker is None else worker.life


def encode_jobs(jobs: Sequence[Job]) -> bytes:
    return encode([_sent(job) for job in jobs])


def encode_job(job: Job) -> tuple[Value, ...]:
    """The parameters of `put_one` for a job without tags and unique key."""
    args = b"\\x" + job.args.hex().encode()
    options = encode(job.options) if job.options else None
    moments = (job.run_at, job.delay, job.created_at, job.keep)
    return (
        job.id,
        job.task,
        args,
        job.queue,
        job.priority,
        *moments,
        job.at_most_once,
        job.held,
        job.crash_budget,
        options,
    )


def encode_ends(settlements: Sequence[Settlement]) -> tuple[Value, Value, Value]:
    """Plain successes, all other ends, and the jobs that may hold unique keys."""
    good: list[_Success] = []
    others: list[_End] = []
    for n, ended in enumerate(settlements):
        lease = ended.lease
        if ended.verdict.state is State.SUCCEEDED and ended.peak_memory is None:
            times = (lease.started_at, ended.ended_at)
            good.append(_Success(n, lease.key, lease.attempt, ended.worker, *times, ended.result))
        else:
            others.append(_end(n, ended))
    keyed = [ended.lease.id for ended in settlements if ended.lease.unique]
    return (encode(good) if good else None, encode(others) if others else None, encode(keyed) if keyed else None)


def encode_reports(reports: Iterable[Report]) -> bytes:
    return encode([
        _Said(
            said.lease.key,
            said.lease.attempt,
            said.progress,
            None if said.note is None else without_nul(sound(said.note)),
            [(at, stream, text.encode("utf-8", "replace")) for at, stream, text in said.output],
        )
        for said in reports
    ])  # fmt: skip


def without_nul(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _sent(job: Job) -> _Sent:
    return _Sent(
        job.id,
        job.task,
        job.args,
        job.queue,
        job.priority,
        job.created_at,
        job.crash_budget,
        run_at=job.run_at,
        delay=job.delay,
        keep=job.keep,
        at_most_once=job.at_most_once,
        held=job.held,
        unique=job.unique,
        tags=job.tags,
        options=job.options or None,
    )


def _end(n: int, ended: Settlement) -> _End:
    lease, verdict = ended.lease, ended.verdict
    error = error_with(verdict.reason, ended.error)
    return _End(
        n=n,
        seq=lease.key,
        attempt=lease.attempt,
        worker=ended.worker,
        began_at=lease.started_at,
        ended_at=ended.ended_at,
        state=verdict.state,
        word=verdict.word,
        failed=verdict.failed,
        crashed=verdict.crashed,
        run_at=verdict.run_at,
        result=ended.result,
        error=None if error is None else msgspec.Raw(encode(error)),
        exit_signal=ended.exit_signal,
        peak_memory=ended.peak_memory,
    )
