"""The operations of a random run, each with its weight. Every detail of one follows from its own chance."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from . import changing, producing, working

if TYPE_CHECKING:
    from collections.abc import Callable

    from .simulation import Simulation

    Act = Callable[[Simulation, Random], str]


def pass_time(sim: Simulation, rng: Random) -> str:
    seconds = rng.choice((0.01, 0.2, 0.3, 1.0, 5.0, 12.0, 31.0, 61.0)) * rng.choice((1, 1, 1, 2))
    sim.world.clock.pass_by(seconds)
    return f"{seconds} s pass"


def pass_days(sim: Simulation, rng: Random) -> str:
    seconds = 86400.0 * rng.choice((0.1, 8, 91))
    sim.world.clock.pass_by(seconds)
    return f"{seconds / 86400} days pass"


def set_clock(sim: Simulation, rng: Random) -> str:
    seconds = rng.choice((-1, 1)) * rng.choice((0.1, 2.0, 29.0, 35.0, 3600.0, 40000.0))
    sim.world.clock.wall += seconds
    return f"the clock is set by {seconds} s"


OPERATIONS: dict[str, tuple[int, Act]] = {
    "enqueue": (17, producing.enqueue),
    "enqueue again": (2, producing.enqueue_again),
    "enqueue together": (3, producing.enqueue_together),
    "claim": (22, working.claim),
    "settle": (18, working.settle),
    "settle late": (4, working.settle_late),
    "report": (2, working.report),
    "work together": (4, working.work_together),
    "beat": (6, working.beat),
    "stop": (1, working.stop),
    "leave": (1, working.leave),
    "kill": (3, working.kill),
    "hire": (4, working.hire),
    "come back": (2, working.come_back),
    "change one": (7, changing.change_one),
    "change many": (3, changing.change_many),
    "prioritise": (2, changing.prioritise),
    "pause": (1, changing.pause),
    "resume": (2, changing.resume),
    "limit": (3, changing.limit),
    "plan": (3, changing.plan),
    "plan again": (2, changing.plan_again),
    "pause plan": (1, changing.pause_plan),
    "unplan": (1, changing.unplan),
    "look at plans": (3, changing.look_at_plans),
    "tick": (6, working.tick),
    "prune": (2, changing.prune),
    "look": (2, changing.look),
    "time": (12, pass_time),
    "days": (1, pass_days),
    "set clock": (2, set_clock),
}
NAMES = tuple(OPERATIONS)
WEIGHTS = tuple(weight for weight, _ in OPERATIONS.values())
