"""What people do: change jobs by id and by query, pause, plan, tidy up, and look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from queuemgr import ticker
from queuemgr.job import WAITING, State
from queuemgr.recurrence import Every, Missed, next_after
from queuemgr.schedule import Schedule
from queuemgr.store import Query

from .model import Known, require
from .producing import make_job
from .simulation import QUEUES, TASKS, Planned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from queuemgr.store import ScheduleInfo

    from .simulation import Simulation

VERBS = ("retry", "retry", "cancel", "hold", "release", "delete")


def change_one(sim: Simulation, rng: Random) -> str:
    verb = rng.choice(VERBS)
    if not sim.model.jobs:
        return "no job"
    return _change(sim, rng, verb, Query(ids=(rng.choice(list(sim.model.jobs)),)))


def change_many(sim: Simulation, rng: Random) -> str:
    return _change(sim, rng, rng.choice(VERBS), any_query(rng))


def _change(sim: Simulation, rng: Random, verb: str, query: Query) -> str:
    ids = [job_id for job_id, known in sim.model.jobs.items() if fits(query, known)]
    count = sim.do(sim.producer, sim.producer.store.change(verb, query), rng)
    must = sim.model.change(verb, ids, sim.now, sim.world.records(sim.producer))
    require(count == must, f"{verb} changed {count} jobs, right would be {must}")
    return f"{verb} {ids}: {count}"


def prioritise(sim: Simulation, rng: Random) -> str:
    """What waits is claimed in another order from now on."""
    query, priority = any_query(rng), rng.choice((0, 3, 9))
    chosen = [known for known in sim.model.jobs.values() if fits(query, known) and known.state in WAITING]
    count = sim.do(sim.producer, sim.producer.store.prioritise(query, priority), rng)
    require(count == len(chosen), f"{count} jobs got priority {priority}, right would be {len(chosen)}")
    for known in chosen:
        known.job = replace(known.job, priority=priority)
    return f"{priority} for {[known.job.id for known in chosen]}"


def any_query(rng: Random) -> Query:
    states = tuple(rng.sample(list(State), rng.choice((1, 3)))) if rng.random() < 0.5 else ()
    match rng.randrange(4):
        case 0:
            return Query(states=states, queue=rng.choice(QUEUES))
        case 1:
            return Query(states=states, tag=rng.choice(("new", "odd")))
        case 2:
            return Query(states=states, task=rng.choice(TASKS))
        case _:
            return Query(states=states or (State.SCHEDULED,))


def fits(query: Query, known: Known) -> bool:
    return (
        (not query.ids or known.job.id in query.ids)
        and (not query.states or known.state in query.states)
        and query.queue in (None, known.job.queue)
        and query.task in (None, known.job.task)
        and (query.tag is None or query.tag in known.job.tags)
    )


def look(sim: Simulation, rng: Random) -> str:
    """Pages and counts tell the same as the jobs one by one."""
    query, store = any_query(rng), sim.producer.store
    fitting = [known for known in sim.model.jobs.values() if fits(query, known)]
    must = [known.job.id for known in sorted(fitting, key=lambda known: known.order, reverse=True)]
    count = sim.ask(store.count(query))
    require(count == len(must), f"{query} counts {count}, there are {len(must)}")
    seen: list[str] = []
    after: int | str | None = None
    while True:
        page = sim.ask(store.find(query, 3, after))
        seen += [record.id for record in page.jobs]
        after = page.after
        if after is None:
            break
    require(seen == must, f"{query} finds {seen}, there are {must}")
    return f"{count} jobs"


def pause(sim: Simulation, rng: Random) -> str:
    queue = rng.choice(QUEUES)
    sim.do(sim.producer, sim.producer.store.pause(queue), rng)
    sim.model.paused.add(queue)
    return queue


def resume(sim: Simulation, rng: Random) -> str:
    queue = rng.choice(QUEUES)
    sim.do(sim.producer, sim.producer.store.resume(queue), rng)
    sim.model.paused.discard(queue)
    return queue


def limit(sim: Simulation, rng: Random) -> str:
    """What runs goes on, even if it is more."""
    queue, running = rng.choice(QUEUES), rng.choice((1, 2, 3, None))
    sim.do(sim.producer, sim.producer.store.limit(queue, running), rng)
    if running is None:
        sim.model.limits.pop(queue, None)
        return f"{queue} has no limit"
    sim.model.limits[queue] = running
    sim.ceilings[queue] = max(running, sim.model.running(queue))
    return f"{running} of {queue}"


def plan(sim: Simulation, rng: Random) -> str:
    """A new schedule."""
    name = f"s{next(sim.numbers)}"
    rule = Every(rng.choice((2.0, 30.0, 3600.0, 90000.0)))
    schedule = Schedule(name=name, rule=rule, job=make_job(sim, rng), missed=rng.choice((Missed.SKIP, Missed.ONCE)))
    next_at = next_after(rule, sim.now)
    sim.do(sim.producer, sim.producer.store.put_schedule(schedule, next_at), rng)
    _note_plan(sim, schedule, next_at)
    return f"{name} every {rule.seconds} s from {next_at}"


def plan_again(sim: Simulation, rng: Random) -> str:
    """A worker declares a schedule as it starts, by what it read a moment ago."""
    if not sim.old_plans:
        return "none was looked at"
    schedule = rng.choice(sim.old_plans).schedule
    reader = _Reader(sim, sim.old_plans)
    sim.do(sim.producer, ticker.declare(reader, schedule, sim.now), rng)  # type: ignore[arg-type]
    return f"{schedule.name}: {reader.said}"


def pause_plan(sim: Simulation, rng: Random) -> str:
    if not sim.planned:
        return "no plan"
    planned = sim.planned[rng.choice(list(sim.planned))]
    changed = planned.schedule.changed(paused=not planned.schedule.paused)
    sim.do(sim.producer, sim.producer.store.put_schedule(changed, planned.next_at), rng)
    _note_plan(sim, changed, planned.next_at)
    return f"{changed.name} paused: {changed.paused}"


def unplan(sim: Simulation, rng: Random) -> str:
    if not sim.planned:
        return "no plan"
    name = rng.choice(list(sim.planned))
    removed = sim.do(sim.producer, sim.producer.store.remove_schedule(name), rng)
    require(removed, f"{name} was there and could not be removed")
    del sim.planned[name]
    return name


def look_at_plans(sim: Simulation, rng: Random) -> str:
    sim.old_plans = sim.ask(sim.producer.store.schedules())
    seen = {info.schedule.name: info.next_at for info in sim.old_plans}
    must = {name: planned.next_at for name, planned in sim.planned.items()}
    require(seen == must, f"the schedules stand at {seen} and must stand at {must}")
    return f"{seen}"


class _Reader:
    """A store that shows schedules as they were, and holds what is put against the model."""

    def __init__(self, sim: Simulation, plans: Sequence[ScheduleInfo]) -> None:
        self._sim = sim
        self._plans = plans
        self.said = ""

    async def schedules(self) -> Sequence[ScheduleInfo]:
        return self._plans

    async def put_schedule(self, schedule: Schedule, next_at: float | None) -> None:
        await self._sim.producer.store.put_schedule(schedule, next_at)
        _note_plan(self._sim, schedule, next_at)
        self.said = f"next {next_at}"


def _note_plan(sim: Simulation, schedule: Schedule, next_at: float | None) -> None:
    """What was put holds, but never a moment for which it has fired already."""
    old = sim.planned.get(schedule.name)
    if old is None:
        sim.lives[schedule.name] += 1
        sim.planned[schedule.name] = Planned(schedule, next_at, life=sim.lives[schedule.name])
        return
    over = next_at is not None and old.last_at is not None and next_at <= old.last_at
    if not (over and old.schedule.rule == schedule.rule):
        old.next_at = next_at
    old.schedule = schedule


def prune(sim: Simulation, rng: Random) -> str:
    limit = rng.choice((1, 3, 1000))
    due = {x.id for x in sim.records.values() if x.expires_at is not None and x.expires_at <= sim.now}
    count = sim.do(sim.producer, sim.producer.store.prune(limit), rng)
    left = sim.world.records(sim.producer).keys()
    gone = {job_id for job_id in sim.model.jobs if job_id not in left}
    require(gone <= due, f"forgot {gone - due} before its time")
    require(count == len(gone) == min(limit, len(due)), f"forgot {len(gone)}, said {count}, {len(due)} were due")
    sim.model.prune(sim.now)
    for job_id in gone:
        sim.model.forget(job_id)
    return f"{sorted(gone)}"
