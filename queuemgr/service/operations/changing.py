"""Changes jobs by id, or all that fit a query, and says beforehand how many that would be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from queuemgr.errors import JobNotFound, did_you_mean
from queuemgr.job import State
from queuemgr.service.facts import word_of
from queuemgr.service.failures import Misused

from .jobs import resolve
from .operation import Operation, Scope
from .searching import query_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.service.told import ChangedJob, JobCount, JobsChanged, MatchingChanged
    from queuemgr.store import Query

FINISHED = (State.SUCCEEDED, State.DEAD, State.CANCELLED)
WAITING = (State.SCHEDULED, State.READY, State.HELD, State.PARKED)

AFFECTED: dict[str, tuple[State, ...]] = {
    "retry": (*FINISHED, State.SCHEDULED),
    "cancel": (*WAITING, State.RUNNING),
    "delete": (*WAITING, *FINISHED),
    "hold": (State.SCHEDULED, State.READY, State.PARKED),
    "release": (State.HELD,),
}
"""The states in which a verb does anything."""

PRIORITISE = "prioritise"
REACHED = AFFECTED | {PRIORITISE: WAITING}
"""The same, with what takes more than a word."""

USUAL = REACHED | {"retry": (State.DEAD,)}
"""The states that are meant where a query names none."""

_REFUSED = {
    "retry": "only finished and delayed jobs can be run again",
    "cancel": "only jobs that wait or run can be cancelled",
    "delete": "a running job cannot be deleted: cancel it first",
    "hold": "only jobs that wait can be held",
    "release": "only held jobs can be released",
}


def meant(verb: str, query: Query) -> Query:
    """The query, narrowed to the states in which the verb does something. Raises Misused."""
    _require_known(verb, REACHED)
    asked = query.states or (REACHED if query.ids else USUAL)[verb]
    states = tuple(state for state in asked if state in REACHED[verb])
    return replace(query, states=states)


async def count_matching(client: AsyncClient, verb: str, query: Query, search: str = "") -> JobCount:
    """How many jobs the verb would change, in all and by state.

    `search` narrows the query, as in `jobs.list`. Raises Misused where it asks for what no query can.
    """
    query = await with_ids(client, query_of(query, search, client.clock.now()))
    states = meant(verb, query).states
    counts = {word_of(state): await client.count(replace(query, states=(state,))) for state in states}
    return {"verb": verb, "matched": sum(counts.values()), "states": {s: n for s, n in counts.items() if n}}


async def with_ids(client: AsyncClient, query: Query) -> Query:
    """The query with the id of the newest job for `last`. Raises NotFound where there is no job at all."""
    return replace(query, ids=tuple([await resolve(client, job_id) for job_id in query.ids]))


async def change_matching(client: AsyncClient, verb: str, query: Query, search: str = "") -> MatchingChanged:
    """The verb for all jobs that fit; `search` as in `count_matching`. Raises Misused."""
    _require_known(verb, AFFECTED)
    narrowed = meant(verb, query_of(query, search, client.clock.now()))
    changed = await client.store.change(verb, narrowed) if narrowed.states else 0
    return {"verb": verb, "changed": changed}


async def change_jobs(client: AsyncClient, verb: str, job_ids: Sequence[str]) -> JobsChanged:
    """What became of each job. Raises Misused."""
    _require_known(verb, AFFECTED)
    jobs = [await _change(client, verb, await resolve(client, job_id)) for job_id in job_ids]
    return {"verb": verb, "changed": sum(job["changed"] for job in jobs), "jobs": jobs}


async def _change(client: AsyncClient, verb: str, job_id: str) -> ChangedJob:
    changed = bool(await client.store.change(verb, _only(job_id)))
    facts: ChangedJob = {"id": job_id, "changed": changed, "state": None, "message": None}
    if changed and verb == "delete":
        return facts
    try:
        record = await client.get(job_id)
    except JobNotFound as error:
        return {**facts, "message": str(error)}
    facts["state"] = word_of(record.state)
    if not changed:
        allowed = record.state in AFFECTED[verb]
        why = f"its unique key {record.unique_key!r} is held by another job" if allowed else _REFUSED[verb]
        facts["message"] = f"job {job_id} is {record.state.word}: {why}"
    return facts


def _require_known(verb: str, known: Collection[str]) -> None:
    if verb not in known:
        raise Misused(f"jobs cannot be changed by {verb!r}: {did_you_mean(verb, known)}")


def _only(job_id: str) -> Query:
    from queuemgr.store import Query

    return Query(ids=(job_id,))


OPERATIONS = (
    Operation(
        "jobs.count",
        count_matching,
        Scope.READ,
        "GET /count",
        "jobs retry --dry-run",
        "how many jobs a change would reach",
    ),
    Operation(
        "jobs.change",
        change_jobs,
        Scope.OPERATE,
        "POST /change",
        "jobs retry",
        "retry, cancel, delete, hold or release jobs by their ids",
    ),
    Operation(
        "jobs.change_matching",
        change_matching,
        Scope.OPERATE,
        "POST /change-matching",
        "jobs retry",
        "the same for all jobs that fit a query",
    ),
)
