"""Fills a store at random with jobs of every kind and in every state. The same seed fills it the same way."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Any

from queuemgr.job import Job, State, Unique, new_id
from queuemgr.outcome import SUCCEEDED, Verdict
from queuemgr.schedule import Schedule
from queuemgr.store import Claim, Query, Report, Settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import Lease
    from queuemgr.store import Snapshot, Store

QUEUES = ("default", "mail", "päckchen")
TASKS = ("add", "send")
WORKER = "somebody"
ERROR = {"type": "builtins.ValueError", "message": "Straße 数", "traceback": "line\n" * 20}


async def fill(store: Store, seed: int, rounds: int = 40) -> None:
    """Jobs that wait and that have ended; none of them runs."""
    dice = Random(seed)
    for _ in range(rounds):
        await store.enqueue([job(dice) for _ in range(dice.randrange(1, 8))])
        wish = Claim(worker=WORKER, queues=[(name, 9) for name in QUEUES], limit=6, tasks=frozenset(TASKS))
        for lease in (await store.claim(wish)).leases:
            await run(store, lease, dice)
        await change(store, dice)
    await store.leave(WORKER)
    await store.enqueue([job(dice) for _ in range(60)])
    for queue in dice.sample(QUEUES, dice.randrange(3)):
        await store.pause(queue)
    for number in range(3):
        await store.put_schedule(Schedule.of(f"s{number}", "@daily", job(dice)), time.time() + 3600 * number + 60)


def job(dice: Random) -> Job:
    return Job(
        id=f"own {dice.getrandbits(64)}" if dice.random() < 0.2 else new_id(),
        task=dice.choice(TASKS),
        args=dice.randbytes(dice.randrange(300)),
        queue=dice.choice(QUEUES),
        priority=dice.randrange(10),
        delay=dice.choice((None, None, 0.0, 3600.0)),
        created_at=time.time(),
        keep=dice.choice((None, 3600.0, 1e9)),
        at_most_once=dice.random() < 0.2,
        held=dice.random() < 0.1,
        crash_budget=dice.randrange(1, 5),
        unique=dice.choice((None, Unique(f"key {dice.randrange(30)}", dice.choice((None, 7200.0)), "replace"))),
        tags=tuple(f"tag {dice.randrange(9)}" for _ in range(dice.randrange(3))),
        options=dice.choice((None, {"attempts": 4, "backoff": "fixed"})),
    )


async def run(store: Store, lease: Lease, dice: Random) -> None:
    if dice.random() < 0.5:
        lines = [(time.time(), dice.choice(("stdout", "log")), f"line {dice.random()}\n") for _ in range(3)]
        await store.report([Report(lease, progress=dice.randrange(100), note="half ü", output=lines)])
    verdict = dice.choice((SUCCEEDED, *verdicts(time.time())))
    said: dict[str, Any] = {"error": ERROR} if verdict.failed or verdict.crashed else {}
    if verdict is SUCCEEDED:
        said = {
            "result": dice.choice((None, dice.randbytes(dice.randrange(500)))),
            "peak_memory": dice.choice((None, 9)),
        }
    await store.settle([Settlement(lease, WORKER, verdict, time.time(), **said)])


def verdicts(now: float) -> Sequence[Verdict]:
    return (
        Verdict(State.DEAD, "failed", failed=True, reason="all 3 attempts failed"),
        Verdict(State.SCHEDULED, "failed", run_at=now, failed=True),
        Verdict(State.SCHEDULED, "snoozed", run_at=now + 3600),
        Verdict(State.READY, "crashed", crashed=True),
        Verdict(State.PARKED, "unknown task", reason="no worker here knows the task"),
        Verdict(State.CANCELLED, "cancelled", reason="cancelled while running"),
    )


async def change(store: Store, dice: Random) -> None:
    found = await store.find(Query(queue=dice.choice(QUEUES)), 20)
    if found.jobs:
        chosen = dice.sample(found.jobs, min(2, len(found.jobs)))
        await store.change(
            dice.choice(("retry", "cancel", "hold", "release", "delete")), Query(ids=tuple(one.id for one in chosen))
        )


async def everything(store: Store, limit: int = 50) -> list[Snapshot]:
    found: list[Snapshot] = []
    page, after = await store.dump(None, limit)
    found += page
    while after is not None:
        page, after = await store.dump(after, limit)
        found += page
    return found


async def beside(store: Store) -> dict[str, Any]:
    """What a store holds beside its jobs."""
    return {
        "schedules": [(info.schedule, info.next_at) for info in await store.schedules()],
        "paused": sorted(queue.name for queue in await store.queues() if queue.paused),
    }


async def order_of_claims(store: Store) -> list[str]:
    """The order in which the queues give away their ready jobs that have no id of their own and have seen no crash.

    For the others each kind of store has its own place in a claim.
    """
    plain = {
        one.job.id
        for one in await everything(store)
        if one.state is State.READY and not one.crashes and not one.job.id.startswith("own")
    }
    order: list[str] = []
    for queue in QUEUES:
        await store.resume(queue)
        wish = Claim(worker=WORKER, queues=[(queue, 5000)], limit=5000, tasks=frozenset(TASKS))
        order += [lease.id for lease in (await store.claim(wish)).leases if lease.id in plain]
    await store.leave(WORKER)
    assert set(order) == plain
    return order
