"""What those do who send jobs: alone, again, together, and within a transaction of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.errors import JobExists
from queuemgr.job import Job, Unique

from .model import require
from .simulation import QUEUES, TASKS
from .world import BEGIN

if TYPE_CHECKING:
    from random import Random
    from typing import Any

    from queuemgr.store import Enqueued

    from .simulation import Simulation


def enqueue(sim: Simulation, rng: Random) -> str:
    jobs = [make_job(sim, rng) for _ in range(rng.choice((1, 1, 2, 4)))]
    sim.world.touched()
    match rng.randrange(8):
        case 0 if hasattr(sim.producer.store, "enqueue_on"):
            return _in_own_transaction(sim, jobs, commit=rng.random() < 0.5)
        case 1:
            answer = _answer_of(lambda: sim.producer.store.enqueue_now(jobs))
        case _:
            answer = _answer_of(lambda: sim.do(sim.producer, sim.producer.store.enqueue(jobs), rng))
    return _accept(sim, jobs, answer)


def enqueue_again(sim: Simulation, rng: Random) -> str:
    """A producer that did not hear the answer sends the same jobs again."""
    jobs = [known.job for known in sim.model.jobs.values()]
    if not jobs:
        return "nothing yet"
    chosen = rng.sample(jobs, min(len(jobs), rng.choice((1, 2))))
    return _accept(sim, chosen, _answer_of(lambda: sim.do(sim.producer, sim.producer.store.enqueue(chosen), rng)))


def enqueue_together(sim: Simulation, rng: Random) -> str:
    """Several callers of one process share a commit, and the refusal of one is not the other's."""
    groups = [[make_job(sim, rng) for _ in range(rng.choice((1, 2)))] for _ in range(3)]
    works = [sim.producer.store.enqueue(jobs) for jobs in groups]
    answers = sim.world.do_together(sim.producer, works)
    return "; ".join(_accept(sim, jobs, answer) for jobs, answer in zip(groups, answers, strict=True))


def make_job(sim: Simulation, rng: Random) -> Job:
    def perhaps(chance: float, *values: Any) -> Any:
        return rng.choice(values) if rng.random() < chance else None

    key = perhaps(0.3, "k1", "k2", "k3")
    delay = perhaps(0.25, -5.0, 0.2, 3.0, 40.0, 4000.0)
    conflict = rng.choice(("reject", "existing", "replace"))
    return Job(
        id=_any_id(sim, rng),
        task=rng.choice(TASKS),
        args=b"[[%d]]" % rng.randrange(9),
        queue=rng.choice(QUEUES),
        priority=rng.choice((0, 0, 0, 5, 9)),
        run_at=None if delay is None else sim.now + delay,
        created_at=sim.now,
        keep=perhaps(0.2, 0.0, 10.0, 1e7),
        at_most_once=rng.random() < 0.15,
        held=rng.random() < 0.06,
        crash_budget=rng.choice((1, 2, 3)),
        unique=None if key is None else Unique(key, perhaps(0.4, 5.0, 1000.0), conflict),
        tags=rng.choice(((), (), ("new",), ("new", "odd"))),
        options=perhaps(0.2, {"attempts": 2}, {"timeout": 1.5}),
    )


def _any_id(sim: Simulation, rng: Random) -> str:
    """A name, or an id such as new_id() makes: this one may have been made a while before it is sent."""
    number = next(sim.numbers)
    if rng.random() < 0.2:
        return f"j{number}"
    text = f"{int(BEGIN) * 1000 + number - rng.choice((0, 0, 3)):012x}7{number % 4096:03x}8000{number:012}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _in_own_transaction(sim: Simulation, jobs: list[Job], *, commit: bool) -> str:
    store = sim.producer.store
    answer = _answer_of(
        lambda: sim.world.in_own_transaction(lambda connection: store.enqueue_on(connection, jobs), commit=commit)
    )
    if not commit:
        return "rolled back by the application"
    return _accept(sim, jobs, answer)


def _answer_of(call: Any) -> list[Enqueued] | Exception:
    try:
        answer: list[Enqueued] = call()
    except JobExists as error:
        return error
    return answer


def _accept(sim: Simulation, jobs: list[Job], answer: list[Enqueued] | Exception) -> str:
    must = sim.model.enqueue(jobs, sim.now)
    match answer:
        case JobExists():
            require(must == answer.job_id, f"refused because of {answer.job_id}, right would be {must}")
            return f"{_names(jobs)} refused: {answer.unique_key} is held by {answer.job_id}"
        case Exception():
            raise answer
    require(must == answer, f"answered {answer}, right would be {must}")
    return f"{_names(jobs)} -> {[_brief(one) for one in answer]}"


def _brief(answer: Enqueued) -> str:
    note = " existing" if answer.existing else f" replaces {answer.replaced}" if answer.replaced else ""
    return f"{answer.id}{note}"


def _names(jobs: list[Job]) -> str:
    return ", ".join(_describe(job) for job in jobs)


def _describe(job: Job) -> str:
    marks = [job.queue, f"p{job.priority}"] if job.priority else [job.queue]
    marks += ["held"] if job.held else []
    marks += ["once"] if job.at_most_once else []
    marks += [f"at {job.run_at:.2f}"] if job.run_at is not None else []
    marks += [f"{job.unique.key}/{job.unique.window}/{job.unique.on_conflict}"] if job.unique else []
    return f"{job.id}({' '.join(marks)} budget {job.crash_budget})"
