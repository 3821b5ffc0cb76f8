"""Suggests how the last word of a search may go on: states, queues, tasks, and tags that were seen lately."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.store import Query

from .operation import Operation, Scope
from .queues import list_queues
from .searching import WORDS
from .workers import known_tasks

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.service.told import Suggestion, Suggestions

LATELY = 300
"""Jobs that are looked at for their tasks and tags, the newest."""

MOST = 20
_MOMENTS = ("15m", "1h", "24h", "7d")


async def complete_search(client: AsyncClient, text: str = "") -> Suggestions:
    """`text` with its last word completed, in each of the likely ways."""
    head, last = _last_word(text)
    name, colon, begun = last.partition(":")
    if not colon:
        names = [f"{word.removesuffix('.NAME')}{'.' if word.endswith('.NAME') else ':'}" for word in WORDS]
        words = [(word, "name") for word in names if word.startswith(last.lower())]
    else:
        values = await _values(client, name)
        words = [(f"{name}:{_quoted(value)}", name) for value in _likely(values, begun.strip('"'))]
    suggestions: list[Suggestion] = [{"text": head + word, "word": word, "kind": kind} for word, kind in words[:MOST]]
    return {"text": text, "suggestions": suggestions}


async def _values(client: AsyncClient, name: str) -> list[str]:
    match name:
        case "state":
            return [state.word for state in State]
        case "queue":
            return [queue["name"] for queue in (await list_queues(client))["queues"]]
        case "task":
            newest = (await client.store.find(Query(), LATELY)).jobs
            return sorted({*await known_tasks(client), *(job.task for job in newest)})
        case "tag":
            newest = (await client.store.find(Query(), LATELY)).jobs
            return sorted({tag for job in newest for tag in job.tags})
        case "worker":
            return [worker.id for worker in await client.workers()]
        case "after" | "before":
            return list(_MOMENTS)
    return []


def _likely(values: list[str], begun: str) -> list[str]:
    """Those that begin so first, then those that have it in them."""
    wanted = begun.lower()
    first = [value for value in values if value.lower().startswith(wanted)]
    return first + [value for value in values if wanted in value.lower() and value not in first]


def _last_word(text: str) -> tuple[str, str]:
    at = text.rfind(" ") + 1
    return text[:at], text[at:]


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


OPERATIONS = (
    Operation(
        "jobs.complete",
        complete_search,
        Scope.READ,
        "GET /complete",
        "jobs complete",
        "how the last word of a search may go on",
    ),
)
