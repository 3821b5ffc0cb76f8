"""Pages and counts of many jobs. Jobs stand in one index for each state and queue, in the order of age.

What a state, a queue or a tag asks for is read from there. Everything else is picked out of it, a bounded step at a
time, so that no other caller has to wait for long.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.job import State
from queuemgr.store import Page

from .packing import reference, shown_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from queuemgr.job import JobRecord
    from queuemgr.store import Query

    from .server import Server

STEP = 500
"""Jobs that are looked at in one step."""

Index = tuple[str, str]
"""The key of an index, and what stands before the place in its members."""


async def find(server: Server, query: Query, limit: int, after: int | str | None) -> Page:
    if limit <= 0:
        return Page([], None)
    found: list[JobRecord] = []
    edge = None if after is None else str(after)
    async for page in _pages(server, query, limit if _in_order(query) else STEP, edge):
        found += page
        if len(found) >= limit:
            return Page(found[:limit], found[limit - 1].position)
    return Page(found, None)


async def count(server: Server, query: Query) -> int:
    if not _in_order(query):
        return sum([len(page) async for page in _pages(server, query, STEP, None)])
    number: int = await server.run("count", {"indexes": await indexes_of(server, query, for_counting=True)})
    return number


async def references(server: Server, query: Query, step: int) -> AsyncIterator[list[str]]:
    """What to tell a script of the jobs that fit, so many at a time."""
    if query.ids and query == _only_ids(query):
        ids = [reference(job_id) for job_id in dict.fromkeys(query.ids)]
        for at in range(0, len(ids), step):
            yield ids[at : at + step]
        return
    async for page in _pages(server, query, step, None):
        if page:
            yield [reference(job.id) for job in page]


async def indexes_of(server: Server, query: Query, *, for_counting: bool = False) -> list[Index]:
    """The indexes that together hold what the query asks for, and no job twice."""
    if query.tag is not None:
        return [(f"tag:{query.tag}", "")]
    names = [query.queue] if query.queue is not None else await _queues(server)
    states = query.states or tuple(State)
    return [index for name in names for state in dict.fromkeys(states) for index in _of(state, name, for_counting)]


async def _queues(server: Server) -> list[str]:
    return [told[0].decode() for told in await server.run("queues", {})]


def _of(state: State, queue: str, for_counting: bool) -> list[Index]:
    if state is not State.READY:
        return [(f"{state.word}:{queue}", "")]
    digits = [""] if for_counting else [str(digit) for digit in range(10)]
    return [(f"suspects:{queue}", ""), *((f"ready:{queue}", digit) for digit in digits)]


async def _pages(server: Server, query: Query, step: int, edge: str | None) -> AsyncIterator[list[JobRecord]]:
    """What fits, newest first; a page may be shorter than a step because not everything did."""
    if query.ids:
        yield [job for job in await _named(server, query, edge) if _fits(job, query)]
        return
    given = {"indexes": await indexes_of(server, query), "limit": step, "ascending": False}
    while True:
        told = await server.run("page", {**given, "edge": edge})
        jobs = _records(told)
        yield [job for job in jobs if _fits(job, query)]
        if len(jobs) < step:
            return
        edge = str(jobs[-1].position)


async def _named(server: Server, query: Query, edge: str | None) -> list[JobRecord]:
    ids = [reference(job_id) for job_id in dict.fromkeys(query.ids)]
    jobs: list[JobRecord] = []
    for at in range(0, len(ids), STEP):
        jobs += _records(await server.run("page", {"jobs": ids[at : at + STEP]}))
    jobs.sort(key=lambda job: str(job.position), reverse=True)
    return [job for job in jobs if edge is None or str(job.position) < edge]


def _records(told: list[Any]) -> list[JobRecord]:
    return [shown_record(told[at : at + 5]) for at in range(0, len(told), 5)]


def _in_order(query: Query) -> bool:
    """Whether the indexes hold what fits and nothing else."""
    if query.tag is not None:
        return query == _only_tag(query)
    return query == replace(_nothing(query), states=query.states, queue=query.queue)


def _nothing(query: Query) -> Query:
    return type(query)()


def _only_ids(query: Query) -> Query:
    return replace(_nothing(query), ids=query.ids)


def _only_tag(query: Query) -> Query:
    return replace(_nothing(query), tag=query.tag)


def _fits(job: JobRecord, query: Query) -> bool:
    return (
        (not query.states or job.state in query.states)
        and query.queue in (None, job.queue)
        and query.task in (None, job.task)
        and (query.tag is None or query.tag in job.tags)
        and query.worker in (None, job.worker)
        and (query.created_after is None or job.created_at >= query.created_after)
        and (query.created_before is None or job.created_at < query.created_before)
        and (query.error is None or (job.error is not None and query.error in _text(job.error)))
    )


def _text(error: dict[str, Any]) -> str:
    return msgspec.json.encode(error).decode()
