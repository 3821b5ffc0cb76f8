"""Why a job is where it is, what happens next, and the command that changes it. Pure: it asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING

from queuemgr.errors import did_you_mean
from queuemgr.job import State

from .words import coarse, counted, duration, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import JobRecord
    from queuemgr.store import QueueInfo, WorkerInfo


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else the store knew at the moment `now`."""

    queues: Sequence[QueueInfo]
    workers: Sequence[WorkerInfo]
    now: float

    @property
    def alive(self) -> list[WorkerInfo]:
        return [worker for worker in self.workers if worker.alive]

    def queue(self, name: str) -> QueueInfo | None:
        return next((queue for queue in self.queues if queue.name == name), None)


@dataclass(frozen=True, slots=True)
class Reason:
    """`command` is what a person would run next, `purpose` what it does."""

    why: str
    purpose: str = ""
    command: str = ""


def reason_of(record: JobRecord, around: Surroundings) -> Reason:
    match record.state:
        case State.SCHEDULED:
            return _of_scheduled(record, around.now)
        case State.READY:
            return _of_ready(record, around)
        case State.RUNNING:
            return _of_running(record, around)
        case State.HELD:
            return Reason("it is held", "let it run", f"queuemgr jobs release {record.id}")
        case State.PARKED:
            return Reason(_no_worker_knows(record.task, around), "start one", "queuemgr worker MODULE:APP")
        case State.SUCCEEDED:
            return Reason(_of_result(record, around.now), "run it again", f"queuemgr jobs retry {record.id}")
        case State.DEAD:
            return Reason(_said(record, "it failed"), "run it again", f"queuemgr jobs retry {record.id}")
        case State.CANCELLED:
            return Reason(_said(record, "it was cancelled"), "run it", f"queuemgr jobs retry {record.id}")


def _of_scheduled(record: JobRecord, now: float) -> Reason:
    due = record.run_at if record.run_at is not None else now
    when = f"in {duration(due - now)}" if due > now else "as soon as a worker looks"
    why = f"retries {when}, attempt {record.attempt} failed" if record.failures else f"starts {when}"
    return Reason(why, "run it now", f"queuemgr jobs retry {record.id}")


def _of_ready(record: JobRecord, around: Surroundings) -> Reason:
    name = quote(record.queue)
    queue = around.queue(record.queue)
    if queue and queue.paused:
        return Reason(f"queue {record.queue} is paused", "let it go on", f"queuemgr queues resume {name}")
    if not around.alive:
        return Reason("no worker is running", "start one", "queuemgr worker MODULE:APP")
    takers = [worker for worker in around.alive if record.queue in worker.queues]
    if not takers:
        start = f"queuemgr worker MODULE:APP --queue {name}"
        return Reason(f"no worker takes jobs from queue {record.queue}", "start one", start)
    if not any(record.task in worker.tasks for worker in takers):
        return Reason(_no_worker_knows(record.task, around), "start one", "queuemgr worker MODULE:APP")
    if record.crashes:
        told = f"it saw {counted(record.crashes, 'worker')} die, so it waits until one can run it apart from others"
        return Reason(told)
    ready = queue.counts.get(State.READY, 0) if queue else 0
    return Reason(f"waits for a free worker, {counted(ready, 'job')} ready in queue {record.queue}")


def _of_running(record: JobRecord, around: Surroundings) -> Reason:
    stop = f"queuemgr jobs cancel {record.id}"
    if record.cancel_requested:
        return Reason("is being stopped, because somebody cancelled it")
    if record.worker not in {worker.id for worker in around.alive}:
        return Reason(f"its worker {record.worker} is gone, the next worker to look takes it back")
    left = record.seconds_left(around.now)
    since = f"for {duration(around.now - record.started_at)}" if record.started_at is not None else ""
    about = f", about {duration(left)} left" if left is not None else ""
    return Reason(f"runs {since}{about}", "stop it", stop)


def _of_result(record: JobRecord, now: float) -> str:
    what = f"returned {size(record.result_size)}" if record.result_size else "returned nothing"
    return what + (f", kept for another {coarse(record.expires_at - now)}" if record.expires_at else "")


def _said(record: JobRecord, otherwise: str) -> str:
    error = record.error or {}
    return str(error.get("reason") or error.get("message") or otherwise)


def _no_worker_knows(task: str, around: Surroundings) -> str:
    known = {name for worker in around.alive for name in worker.tasks}
    near = did_you_mean(task, known) if known else ""
    hint = f" ({near})" if near.startswith("did you mean") else ""
    return f"waits for a worker that knows task {task}{hint}"
