"""Looks through jobs for what no index answers: words in errors, tags and names, values in arguments.

Each call looks at a bounded number of jobs and says where to go on. It changes nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import JobNotFound, UndecodableError
from queuemgr.job import State
from queuemgr.secret import DOTS
from queuemgr.service.payloads import arguments_of, untagged

if TYPE_CHECKING:
    from queuemgr.job import JobRecord
    from queuemgr.store import Query, Store

    from .searching import Rest

STEP = 500
MOST = 2000
"""Jobs that one call looks at."""

PATIENCE = 0.25
"""Seconds after which a call that has looked at a step leaves the rest to the next one."""

READ = 256 * 1024
"""Bytes of arguments beyond which they are not looked into."""

AT_ONCE = 50
_WITHOUT_ERROR = State.SUCCEEDED


@dataclass(slots=True)
class Found:
    """`after` goes on where this ended, None at the end; `scanned` is the number of jobs looked at."""

    jobs: list[JobRecord] = field(default_factory=list)
    after: int | str | None = None
    scanned: int = 0


async def look(store: Store, query: Query, rest: Rest, limit: int, after: int | str | None) -> Found:
    """Jobs that fit both, newest first: at most `limit`, out of at most MOST. Raises ValueError for a wrong `after`."""
    query, error = _without_error(query)
    found, deadline = Found(after=after), monotonic() + PATIENCE
    while found.scanned < MOST and (not found.scanned or monotonic() < deadline):
        page = await store.find(query, min(STEP, MOST - found.scanned), found.after)
        for job in await _fitting(store, page.jobs, rest, error):
            found.jobs.append(job)
            if len(found.jobs) == limit:
                found.scanned += 1 + [one.id for one in page.jobs].index(job.id)
                found.after = job.position if job is not page.jobs[-1] else page.after
                return found
        found.scanned += len(page.jobs)
        found.after = page.after
        if page.after is None:
            break
    return found


def _without_error(query: Query) -> tuple[Query, str | None]:
    """A text in the error is in no index; a job that succeeded has none."""
    if query.error is None:
        return query, None
    states = query.states or tuple(state for state in State if state is not _WITHOUT_ERROR)
    return replace(query, error=None, states=states), query.error


async def _fitting(store: Store, jobs: list[JobRecord], rest: Rest, error: str | None) -> list[JobRecord]:
    likely = [job for job in jobs if _bears(job, rest.words) and _has_error(job, error)]
    if not rest.args:
        return likely
    found: list[JobRecord] = []
    for at in range(0, len(likely), AT_ONCE):
        some = likely[at : at + AT_ONCE]
        data = await asyncio.gather(*(_arguments(store, job.id) for job in some))
        found += [job for job, held in zip(some, data, strict=True) if _holds(held, rest.args)]
    return found


async def _arguments(store: Store, job_id: str) -> bytes:
    try:
        return await store.arguments(job_id)
    except (JobNotFound, UndecodableError):
        return b""


def _has_error(job: JobRecord, text: str | None) -> bool:
    """As a store answers it, so that a change reaches what the search has shown."""
    return text is None or (job.error is not None and text in msgspec.json.encode(job.error).decode())


def _bears(job: JobRecord, words: tuple[str, ...]) -> bool:
    if not words:
        return True
    told = "\n".join((job.task, job.id, *job.tags, job.queue, job.note or "", job.unique_key or "")).lower()
    return all(word in told or (job.error is not None and word in _told(job.error)) for word in words)


def _told(error: dict[str, Any]) -> str:
    return "\n".join(str(value) for value in error.values()).lower()


def _holds(data: bytes, wanted: tuple[tuple[str, str], ...]) -> bool:
    if not data or len(data) > READ:
        return False
    seen = arguments_of(data)
    values: dict[str, Any] = {str(number): one for number, one in enumerate(untagged(seen["positional"]))}
    values |= untagged(seen["named"])
    return all(any(_is(value, text) for value in _at(values, path)) for path, text in wanted)


def _at(value: Any, path: str) -> list[Any]:
    """What stands at `user.id`, anywhere in the arguments if the path does not begin at their top."""
    if not path:
        return _leaves(value)
    head, _, tail = path.partition(".")
    found: list[Any] = []
    for name, item in _members(value):
        if name == head:
            found += [item] if not tail else _at(item, tail)
        elif isinstance(item, (dict, list)):
            found += _at(item, path)
    return found


def _members(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(str(name), item) for name, item in value.items()]
    return [(str(number), item) for number, item in enumerate(value)] if isinstance(value, list) else []


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, (dict, list)):
        return [leaf for _, item in _members(value) for leaf in _leaves(item)]
    return [value]


def _is(value: Any, text: str) -> bool:
    """Secrets are never found, so that nobody can guess them."""
    if value == DOTS:
        return False
    if isinstance(value, str):
        return text.lower() in value.lower()
    return msgspec.json.encode(value).decode() == text
