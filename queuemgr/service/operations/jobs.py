"""Looks at jobs, follows their output and waits for their ends. It changes nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from queuemgr.errors import ResultError, StoreError, Unsupported
from queuemgr.job import State
from queuemgr.result import Reference
from queuemgr.service.facts import attempt_facts, job_facts, line_facts
from queuemgr.service.failures import Misused, NotFound
from queuemgr.service.lines import whole_lines
from queuemgr.service.payloads import format_of, large_value, result_of
from queuemgr.service.why import explain
from queuemgr.store import Query

from .looking import look
from .operation import Operation, Scope
from .searching import merged, parse_search
from .stored import stored_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord
    from queuemgr.service.lines import Line
    from queuemgr.service.told import EndedJob, EndedJobs, JobPage, JobShown, ShownResult
    from queuemgr.store import OutputLine

PAGE = 1000
WHOLE = 16 * 1024 * 1024
"""Bytes up to which a large result is shown or handed to another program."""

LOOK = 0.5
LAST = "last"


async def list_jobs(
    client: AsyncClient,
    query: Query = Query(),  # noqa: B008 - it is frozen
    limit: int = 20,
    after: int | str | None = None,
    search: str = "",
) -> JobPage:
    """At most `limit` jobs that fit, newest first; `after` is that of the page before. Raises Misused.

    `search` is what somebody types into a box: `state:dead args.user_id:42 "no address"`. Then "scanned" tells how many
    jobs were looked at, and "after" goes on even where none of them fitted.
    """
    try:
        if search.strip():
            return await _search_jobs(client, query, limit, after, search)
        page = await client.find(query, limit, after)
    except ValueError as error:
        raise Misused(f"{after!r} is no position of a job", 'take it from "after" of the page before') from error
    return _page(page.jobs, page.after, client.clock.now())


async def _search_jobs(client: AsyncClient, query: Query, limit: int, after: int | str | None, search: str) -> JobPage:
    parsed, rest = parse_search(search, client.clock.now())
    query = merged(query, parsed)
    if rest or query.error is not None:
        found = await look(client.store, query, rest, limit, after)
        return {**_page(found.jobs, found.after, client.clock.now()), "scanned": found.scanned}
    page = await client.find(query, limit, after)
    return {**_page(page.jobs, page.after, client.clock.now()), "scanned": len(page.jobs)}


def _page(jobs: Sequence[JobRecord], after: int | str | None, now: float) -> JobPage:
    following = None if after is None else str(after)
    return {"at": now, "jobs": [job_facts(job, now) for job in jobs], "after": following}


async def show_job(client: AsyncClient, job_id: str, lines: int = 10, result: bool = True) -> JobShown:
    """All that is known of one job; of its output the last `lines`. Raises JobNotFound.

    Without `result` that is null: it may be large, and jobs.result tells it by pages.
    """
    record = await client.get(await resolve(client, job_id))
    answer, situation = await explain(client, record, brief=True)
    now, step = situation.now, next(iter(answer.steps), None)
    arguments, form = await stored_arguments(client, record.id)
    last = await _last_lines(client, record.id, lines)
    return {
        "at": now,
        "job": job_facts(record, now),
        "why": answer.reasons[0].text,
        "next": None if step is None else {"purpose": step.facts["purpose"], "command": step.command},
        "arguments": arguments,
        "result": await _result(client, record, form) if result else None,
        "attempts": [attempt_facts(attempt) for attempt in record.attempts],
        "output": [line_facts(line) for line in last],
    }


async def _last_lines(client: AsyncClient, job_id: str, most: int) -> deque[Line]:
    try:
        return deque([line async for line in whole_lines(output_of(client, job_id))], maxlen=most)
    except Unsupported:
        # The store keeps no output of any job, which is no reason to hide the rest.
        return deque()


async def resolve(client: AsyncClient, job_id: str) -> str:
    """The id itself; `last` stands for the newest job. Raises NotFound where there is no job at all."""
    if job_id != LAST:
        return job_id
    newest = (await client.find(limit=1)).jobs
    if not newest:
        raise NotFound("there is no last job: the store holds no jobs", "queuemgr enqueue TASK [ARGUMENTS]")
    return newest[0].id


async def output_of(client: AsyncClient, job_id: str, after: int = 0) -> AsyncIterator[OutputLine]:
    """What is there now, from the line that follows position `after`."""
    while lines := await client.output(job_id, after, PAGE):
        for line in lines:
            yield line
        after = lines[-1].position
        if len(lines) < PAGE:
            return


async def follow(client: AsyncClient, job_id: str, after: int = 0) -> AsyncIterator[OutputLine]:
    """What is there and what comes, until the job has ended."""
    patience = 0.0
    while True:
        ended = await client.store.wait_finished(job_id, patience)
        async for line in output_of(client, job_id, after):
            yield line
            after = line.position
        if ended is not None:
            return
        patience = LOOK


async def wait_for(client: AsyncClient, job_ids: Sequence[str], timeout: float | None) -> EndedJobs:
    """Each job with its result; jobs that did not end in `timeout` seconds are as they are. Raises JobNotFound."""
    ids = [await resolve(client, job_id) for job_id in job_ids]
    await asyncio.gather(*(client.store.wait_finished(job_id, timeout) for job_id in ids))
    return {"at": client.clock.now(), "jobs": [await _ended(client, job_id) for job_id in ids]}


async def _ended(client: AsyncClient, job_id: str) -> EndedJob:
    record = await client.get(job_id)
    facts = job_facts(record, client.clock.now())
    if record.state is not State.SUCCEEDED:
        return {**facts, "result": None}
    form = format_of(await client.store.arguments(job_id))
    return {**facts, "result": await _result(client, record, form)}


async def _result(client: AsyncClient, record: JobRecord, form: str) -> ShownResult | None:
    if record.state is not State.SUCCEEDED:
        return None
    data = await client.store.result(record.id)
    reference = Reference.read(data)
    return result_of(data, form) if reference is None else await _large(client, record.id, reference)


async def _large(client: AsyncClient, job_id: str, reference: Reference) -> ShownResult:
    """As `result_of`: whole up to WHOLE bytes, beyond that what it looks like."""
    handle, size = client.handle(job_id), reference.size
    try:
        if size > WHOLE:
            shape = (await handle.result_info()).shape
            why = f"{shape}, {size:,} bytes: too large to show; read it by pages"
            return {"value": None, "size": size, "unreadable": why}
        async with await handle.open_result() as stream:
            return {"value": large_value(await stream.read(), reference.kind), "size": size}
    except (ResultError, StoreError) as error:
        return {"value": None, "size": size, "unreadable": str(error)}


OPERATIONS = (
    Operation(
        "jobs.list",
        list_jobs,
        Scope.READ,
        "GET /jobs",
        "jobs list",
        "jobs that fit a query, newest first, page by page",
    ),
    Operation("jobs.show", show_job, Scope.READ, "GET /jobs/{job_id}", "jobs show", "all that is known of one job"),
    Operation(
        "jobs.wait", wait_for, Scope.READ, "GET /wait", "jobs wait", "wait until jobs have ended, and their results"
    ),
)
