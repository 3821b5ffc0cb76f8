"""Puts the answer together: which rules a state calls for, in which order. The rules themselves are elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.job import State

from . import clocks, ended, past, running, waiting
from .answer import Answer
from .situation import Situation, situation_of

if TYPE_CHECKING:
    from queuemgr.app import App
    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord
    from queuemgr.service.told.why import Evidence

    from .answer import Reason


async def explain(
    client: AsyncClient, record: JobRecord, app: App | None = None, *, brief: bool = False
) -> tuple[Answer, Situation]:
    """Why the job is where it is, and what that was told from. `brief`: the first reason alone is to be shown.

    Raises StoreError, JobNotFound.
    """
    situation = await situation_of(client, record, app, brief=brief)
    return answer_to(situation), situation


def answer_to(situation: Situation) -> Answer:
    return Answer((*_of_state(situation), *past.reasons(situation), *clocks.reasons(situation)))


def _of_state(situation: Situation) -> list[Reason]:
    match situation.record.state:
        case State.SCHEDULED:
            return waiting.of_scheduled(situation)
        case State.READY:
            return waiting.of_ready(situation)
        case State.HELD:
            return waiting.of_held(situation)
        case State.PARKED:
            return waiting.of_parked(situation)
        case State.RUNNING:
            return running.reasons(situation)
        case State.SUCCEEDED:
            return ended.of_succeeded(situation)
        case State.DEAD:
            return ended.of_dead(situation)
        case State.CANCELLED:
            return ended.of_cancelled(situation)


def evidence_of(situation: Situation) -> Evidence:
    """What the reasons were told from, for whoever wants to judge himself."""
    crew = situation.crew
    return {
        "workers": {"alive": len(crew.alive), "of_queue": len(crew.takers), "fitting": len(crew.fitting)},
        "loads": [
            {"worker": load.worker.id, "slots": load.worker.concurrency, "running": load.running}
            for load in situation.loads
        ],
        "position": None if situation.position is None else situation.position.facts,
        "pace": situation.pace,
        "successes": None if situation.successes is None else situation.successes.facts,
        "last_success": None if situation.comparison is None else situation.comparison.facts,
        "alike": None if situation.alike is None else situation.alike.facts,
        "last_said": situation.last_said,
        "timeout": situation.timeout,
    }
