"""Says why a job is where it is, what comes next, and what a person can do about it. It changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.service.facts import job_facts, word_of
from queuemgr.service.why import explain
from queuemgr.service.why.explaining import evidence_of

from .jobs import resolve
from .operation import Operation, Scope

if TYPE_CHECKING:
    from queuemgr.app import App
    from queuemgr.client import AsyncClient
    from queuemgr.service.told import JobWhy


async def why_job(client: AsyncClient, app: App | None, job_id: str) -> JobWhy:
    """The weightiest reason comes first. Raises JobNotFound."""
    record = await client.get(await resolve(client, job_id))
    answer, situation = await explain(client, record, app)
    return {
        "at": situation.now,
        "job": job_facts(record, situation.now),
        "state": word_of(record.state),
        "reasons": [reason.facts for reason in answer.reasons],
        "next": None if answer.next is None else answer.next.facts,
        "steps": [step.facts for step in answer.steps],
        "evidence": evidence_of(situation),
    }


OPERATIONS = (
    Operation(
        "jobs.why",
        why_job,
        Scope.READ,
        "GET /jobs/{job_id}/why",
        "why",
        "why a job is where it is, what comes next and what can be done",
    ),
)
