"""Shows what a job holds: its arguments, result and output, as plain data in bounded pieces. It changes nothing.

Values marked as secret are dots. No class is built from what is stored.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from queuemgr.codec import Codec
from queuemgr.errors import CorruptStore, ResultError, UndecodableError
from queuemgr.result import Reference
from queuemgr.results.reader import StoredResult
from queuemgr.results.shape import sample_of, shape_of
from queuemgr.secret import DOTS
from queuemgr.service.facts import line_facts, word_of
from queuemgr.service.failures import Misused
from queuemgr.service.lines import whole_lines
from queuemgr.service.payloads import format_of, readable, untagged

from .jobs import resolve
from .operation import Operation, Scope
from .stored import stored_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord
    from queuemgr.service.told import JobArguments, JobOutput, JobResult
    from queuemgr.service.told.contents import ItemsFacts, ResultFacts
    from queuemgr.store import OutputLine

WHOLE = 256 * 1024
"""Bytes of arguments or of a small result up to which they are told whole."""

MOST_ITEMS = 1000
MOST_LINES = 10_000
_NO_ITEMS: ItemsFacts = {"items": None, "next": None}


async def job_arguments(client: AsyncClient, job_id: str) -> JobArguments:
    """The arguments as plain data. Raises JobNotFound.

    Values of types that JSON lacks are `{"$": type, "v": plain form}`, as `jobs.rerun` takes them back. Beyond WHOLE
    bytes there is only the beginning, and "cut" is true; "unreadable" says why they cannot be read.
    """
    record = await client.get(await resolve(client, job_id))
    seen, _ = await stored_arguments(client, record.id)
    cut = seen["size"] > WHOLE
    if cut:
        seen["positional"], seen["named"] = sample_of(seen["positional"], 20), sample_of(seen["named"])
    secrets = count_of_secrets([seen["positional"], seen["named"]])
    editable = not (cut or secrets or "unreadable" in seen)
    return {"id": record.id, "task": record.task, **seen, "secrets": secrets, "cut": cut, "editable": editable}


async def job_result(
    client: AsyncClient, job_id: str, offset: int = 0, limit: int = 100, at: str | None = None
) -> JobResult:
    """The result at a glance, and `limit` items of a list in it. Raises JobNotFound, Misused.

    "value" is there where the whole is at most WHOLE bytes and no list. "items" are those of a list, `limit` of them
    from `offset` on (from the end, if it is negative), or of the list at the key `at` of a dict; "next" is the offset
    that follows, null at the end. Without a result "none" says why.
    """
    if not 0 <= limit <= MOST_ITEMS:
        raise Misused(f"limit is 0 to {MOST_ITEMS:,} items, not {limit}")
    record = await client.get(await resolve(client, job_id))
    found = await _found(client, record, offset, limit, at)
    # Where there is none, it has ended since it was looked at.
    return await job_result(client, job_id, offset, limit, at) if found is None else _of_job(record, found)


async def _found(client: AsyncClient, record: JobRecord, offset: int, limit: int, at: str | None) -> ResultFacts | None:
    data = await client.store.result(record.id)
    if data is not None and Reference.read(data) is None:
        form = format_of(await client.store.arguments(record.id))
        return await asyncio.to_thread(_small, data, form, offset, limit, at)
    try:
        opened = await client._finder.open(record.id)
    except (ResultError, UndecodableError, CorruptStore) as error:
        return _none(record, str(error))
    with opened:
        if isinstance(opened, StoredResult):
            return await asyncio.to_thread(_large, opened, offset, limit, at)
    return _of_value(None, 0, offset, limit, at) if record.state.finished else None


def _of_job(record: JobRecord, found: ResultFacts) -> JobResult:
    return {"id": record.id, "state": word_of(record.state), **found}


async def job_output(
    client: AsyncClient, job_id: str, after: int = 0, limit: int = 1000, attempt: int | None = None
) -> JobOutput:
    """Whole lines from those that follow position `after` on, or those of one `attempt`.

    At most `limit` pieces are read. Raises JobNotFound, Unsupported where the store keeps no output.
    """
    if not 1 <= limit <= MOST_LINES:
        raise Misused(f"limit is 1 to {MOST_LINES:,} pieces of output, not {limit}")
    record = await client.get(await resolve(client, job_id))
    pieces = await client.output(record.id, after, limit)
    more = len(pieces) == limit
    whole, partial = _split(pieces, ended=record.state.finished and not more)
    chosen = [piece for piece in whole if attempt in (None, piece.attempt)]
    rest = [piece for piece in partial if attempt in (None, piece.attempt)]
    return {
        "id": record.id,
        "state": word_of(record.state),
        "lines": [line_facts(line) async for line in whole_lines(_each(chosen))],
        "partial": [line_facts(line) async for line in whole_lines(_each(rest))],
        "after": whole[-1].position if whole else after,
        "more": more,
    }


def _split(pieces: list[OutputLine], *, ended: bool) -> tuple[list[OutputLine], list[OutputLine]]:
    """Those before the first line that has no end yet, and the others. What would never go on is given as it is."""
    if ended:
        return pieces, []
    begun: dict[tuple[int, str], int] = {}
    for number, piece in enumerate(pieces):
        place = (piece.attempt, piece.stream)
        if piece.stream == "log" or piece.text.endswith("\n"):
            begun.pop(place, None)
        elif "\n" in piece.text:
            begun[place] = number
        else:
            begun.setdefault(place, number)
    first = min(begun.values(), default=len(pieces))
    return (pieces[:first], pieces[first:]) if first or len(pieces) < 100 else (pieces, [])


async def _each(pieces: Sequence[OutputLine]) -> AsyncIterator[OutputLine]:
    for piece in pieces:
        yield piece


def count_of_secrets(value: Any) -> int:
    if isinstance(value, dict):
        return 1 if value.get("v") == DOTS else sum(map(count_of_secrets, value.values()))
    return sum(map(count_of_secrets, value)) if isinstance(value, list) else 0


class _PlainCodec(Codec):
    """Reads what is stored as plain data, and builds nothing from it."""

    def decode(self, data: bytes) -> Any:
        try:
            return readable(data, self.format)
        except ValueError as error:
            raise UndecodableError(str(error)) from error


def _small(data: bytes, form: str, offset: int, limit: int, at: str | None) -> ResultFacts:
    try:
        value = untagged(readable(data, form))
    except ValueError as error:
        return {"size": len(data), "kind": "unreadable", "none": str(error)}
    return _of_value(value, len(data), offset, limit, at)


def _of_value(value: Any, size: int, offset: int, limit: int, at: str | None) -> ResultFacts:
    kind = type(value).__name__ if isinstance(value, (list, dict)) else "value"
    lists = {key: len(one) for key, one in value.items() if isinstance(one, list)} if kind == "dict" else {}
    facts: ResultFacts = {
        "size": size,
        "kind": kind,
        "length": len(value) if kind != "value" else None,
        "shape": shape_of(value),
        "sample": sample_of(value),
        "lists": lists,
        "complete": True,
        "value": value if kind != "list" and at is None and size <= WHOLE else None,
    }
    found = value if at is None and kind == "list" else value.get(at) if at is not None and kind == "dict" else None
    if at is not None and not isinstance(found, list):
        raise Misused(f"the result ({kind}) has no list at {at!r}", f"its lists: {', '.join(lists) or 'none'}")
    items = _items(found, offset, limit) if isinstance(found, list) else _NO_ITEMS
    return {**facts, **items}


def _items(found: list[Any], offset: int, limit: int) -> ItemsFacts:
    start = max(0, offset + len(found)) if offset < 0 else offset
    items = found[start : start + limit]
    following = start + len(items)
    return {"items": items, "offset": start, "next": following if following < len(found) and items else None}


def _large(stored: StoredResult, offset: int, limit: int, at: str | None) -> ResultFacts:
    """A large result, read by frames; no more of it than is asked for."""
    stored.codec = _PlainCodec(stored.codec.format)
    info = stored.info()
    lists = {key: number for key, number in info.lists.items() if key is not None}
    facts: ResultFacts = {
        "size": info.size,
        "kind": info.kind,
        "length": info.length,
        "shape": info.shape,
        "sample": _shown(info.sample),
        "lists": lists,
        "complete": info.complete,
        "value": None,
    }
    if at not in info.lists:
        if at is not None:
            raise Misused(f"the result ({info.kind}) has no list at {at!r}", f"its lists: {', '.join(lists) or 'none'}")
        return {**facts, **_NO_ITEMS}
    start = max(0, offset + info.lists[at]) if offset < 0 else offset
    items = untagged(stored.page(start, limit, at))
    following = start + len(items)
    next_ = following if items and following < info.lists[at] else None
    return {**facts, "items": items, "offset": start, "next": next_}


def _shown(sample: Any) -> Any:
    return {"$bytes": sample.hex()[:400]} if isinstance(sample, bytes) else untagged(sample)


def _none(record: JobRecord, why: str) -> ResultFacts:
    return {"size": 0, "kind": "none", "none": why, "complete": record.state.finished}


OPERATIONS = (
    Operation(
        "jobs.arguments",
        job_arguments,
        Scope.READ,
        "GET /jobs/{job_id}/arguments",
        "jobs arguments",
        "the arguments of a job as plain data, secrets as dots",
    ),
    Operation(
        "jobs.result",
        job_result,
        Scope.READ,
        "GET /jobs/{job_id}/result",
        "jobs result",
        "the result of a job at a glance, and its items page by page",
    ),
    Operation(
        "jobs.output",
        job_output,
        Scope.READ,
        "GET /jobs/{job_id}/output",
        "jobs logs",
        "what a job printed and logged, from a position on",
    ),
)
