"""Why a job waits: for a moment, for a person, for a worker that could take it, or for its turn."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from queuemgr.job import State

from .answer import Next, Reason, Step
from .crew import nearest
from .limits import limit_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuemgr.store import WorkerInfo

    from .crew import Crew
    from .situation import Load, Situation

_START = "queuemgr worker MODULE:APP"
_NOBODY = Next("waits_for_person")


def of_scheduled(situation: Situation) -> list[Reason]:
    record, now = situation.record, situation.now
    at = record.run_at if record.run_at is not None else now
    steps = (Step("run_now", f"queuemgr jobs retry {record.id}"),)
    ready = Next("becomes_ready", at)
    params = {"seconds": abs(at - now), "run_at": at}
    last = record.attempts[-1].outcome if record.attempts else ""
    if at <= now:
        first = Reason("due", params, steps=steps, next=Next("becomes_ready"))
    elif last == "snoozed":
        first = Reason("snoozed", params, steps=steps, next=ready)
    elif record.failures:
        params |= {"attempt": record.attempt, "failures": record.failures}
        first = Reason("next_attempt", params, steps=steps, next=ready)
    else:
        first = Reason("scheduled", params, steps=steps, next=ready)
    obstacles = list(_obstacles(situation))
    # What is due and still waits does so because nobody looks.
    return [*obstacles, first] if at <= now and obstacles else [first, *obstacles, *_unique(situation)]


def of_ready(situation: Situation) -> list[Reason]:
    obstacles = list(_obstacles(situation))
    turn = list(_of_turn(situation, free=not obstacles))
    return [*obstacles, *turn, *_unique(situation)]


def of_held(situation: Situation) -> list[Reason]:
    release = Step("release", f"queuemgr jobs release {situation.record.id}")
    return [Reason("held", steps=(release,), next=_NOBODY), *_obstacles(situation), *_unique(situation)]


def of_parked(situation: Situation) -> list[Reason]:
    if situation.crew.open:
        known = Reason("parked_but_known", {"task": situation.record.task}, next=Next("starts"))
        return [*_paused(situation), known]
    return [_unknown(situation), *_paused(situation)]


def _obstacles(situation: Situation) -> Iterator[Reason]:
    """What keeps every worker from taking such a job."""
    yield from _paused(situation)
    yield from _limited(situation)
    crew, queue = situation.crew, situation.record.queue
    start = (Step("start_worker", _START),)
    if not crew.alive:
        yield Reason("no_worker", {}, {"dead": len(crew.workers)}, start, _NOBODY)
    elif not crew.takers:
        params = {"queue": queue, "near": nearest(queue, crew.queues)}
        step = Step("start_worker", f"{_START} --queue {quote(queue)}")
        yield Reason("no_worker_takes_queue", params, {"queues": sorted(crew.queues)}, (step,), _NOBODY)
    elif not crew.fitting:
        yield _unknown(situation)
    elif not crew.open:
        yield _not_taking(crew, start)
    elif all(_silence(one, situation) > situation.lease for one in crew.open):
        silence = min(_silence(one, situation) for one in crew.open)
        steps = (Step("see_workers", "queuemgr workers list"), Step("start_another", _START))
        silent = {"workers": [one.id for one in crew.open]}
        yield Reason("workers_silent", {"seconds": silence}, silent, steps, _NOBODY)


def _not_taking(crew: Crew, start: tuple[Step, ...]) -> Reason:
    states = {one.id: one.state for one in crew.fitting}
    code = "workers_quiet" if "quiet" in states.values() else "workers_stopping"
    return Reason(code, {"workers": len(states)}, {"workers": states}, start, _NOBODY)


def _paused(situation: Situation) -> Iterator[Reason]:
    name = situation.record.queue
    if situation.queue is not None and situation.queue.paused:
        step = Step("resume_queue", f"queuemgr queues resume {quote(name)}")
        yield Reason("queue_paused", {"queue": name}, steps=(step,), next=_NOBODY)


def _limited(situation: Situation) -> Iterator[Reason]:
    limit, name = limit_of(situation.queue), situation.record.queue
    if limit is not None and limit.reached and situation.record.state is State.READY:
        params = {"queue": name, "limit": limit.limit, "running": limit.running}
        holders = f"queuemgr jobs list --state running --queue {quote(name)}"
        steps = (
            Step("see_holder", holders),
            Step("raise_limit", f"queuemgr queues limit {quote(name)} {2 * limit.limit}"),
        )
        yield Reason("queue_limited", params, {"running": list(situation.holders)}, steps, Next("starts_after"))


def _unknown(situation: Situation) -> Reason:
    """No worker that takes the queue knows the task."""
    crew, record = situation.crew, situation.record
    steps = (Step("start_worker", _START), Step("see_tasks", "queuemgr tasks list"))
    if record.task in crew.tasks:
        details = {"workers": {one.id: list(one.queues) for one in crew.alive if record.task in one.tasks}}
        return Reason("no_worker_fits", {"queue": record.queue, "task": record.task}, details, steps, _NOBODY)
    params = {"task": record.task, "near": nearest(record.task, crew.tasks)}
    return Reason("no_worker_knows_task", params, {"tasks": sorted(crew.tasks)[:50]}, steps, _NOBODY)


def _silence(worker: WorkerInfo, situation: Situation) -> float:
    return situation.now - worker.beat_at


def _of_turn(situation: Situation, *, free: bool) -> Iterator[Reason]:
    """Its place among others. `free`: nothing else keeps it waiting."""
    record = situation.record
    full = free and bool(situation.loads) and all(load.full for load in situation.loads)
    if full:
        yield _busy(situation)
    if record.crashes:
        yield _suspect(situation)
        return
    behind = list(_behind(situation, free=free))
    yield from behind
    if free and not full and not behind:
        yield Reason("about_to_start", next=Next("starts"))


def _busy(situation: Situation) -> Reason:
    loads, now = situation.loads, situation.now
    jobs = [(load, job) for load in loads for job in load.jobs]
    running = [
        {"worker": load.worker.id, "job": job.id, "task": job.task, "queue": job.queue, "seconds": _since(job, now)}
        for load, job in jobs
    ]
    params = {
        "slots": sum(load.worker.concurrency for load in loads),
        "workers": len(loads),
        "longest": max((_since(job, now) for _, job in jobs), default=0.0),
        "queues": ", ".join(sorted({job.queue for _, job in jobs})),
    }
    elsewhere = bool(jobs) and all(job.queue != situation.record.queue for _, job in jobs)
    code = "workers_busy_elsewhere" if elsewhere else "workers_busy"
    step = Step("start_another", _START)
    return Reason(code, params, {"running": running}, (step,), Next("starts_after"))


def _since(job: object, now: float) -> float:
    started = getattr(job, "started_at", None)
    return max(0.0, now - started) if started is not None else 0.0


def _suspect(situation: Situation) -> Reason:
    """At most one job that has seen a worker die is leased to a worker at a time, so that the guilty one is found."""
    crashes = situation.record.crashes
    others = {load.worker.id: other for load in situation.loads if (other := _suspect_of(load)) is not None}
    if situation.loads and len(others) == len(situation.loads):
        return Reason("suspect_waits", {"crashes": crashes}, {"running": others}, next=Next("starts_after"))
    return Reason("suspect", {"crashes": crashes}, {"running": others}, next=Next("starts"))


def _suspect_of(load: Load) -> str | None:
    return next((job.id for job in load.jobs if job.crashes), None)


def _behind(situation: Situation, *, free: bool) -> Iterator[Reason]:
    position, queue = situation.position, situation.record.queue
    if position is None or not position.most:
        return
    params: dict[str, str | int] = {"queue": queue, "before": position.about}
    code = "behind_others"
    if not position.exact:
        code, params = "behind_many", params | {"least": position.least, "most": position.most}
    coming = Next("starts_after")
    if situation.pace:
        coming = Next("starts_about", situation.now + position.about / situation.pace)
    yield Reason(code, params, position.facts, next=coming if free else None)


def _unique(situation: Situation) -> Iterator[Reason]:
    if situation.record.unique_key is not None:
        yield Reason("holds_unique_key", {"key": situation.record.unique_key})
