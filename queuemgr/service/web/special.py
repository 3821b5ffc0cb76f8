"""What the routes beside the table of operations take and answer, for the description of the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]

_RAW: Schema = {"schema": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class Special:
    """`answer` is the name of a type of `queuemgr.service.told`, `also` are other statuses with which it is answered.

    Without it `content` says what is answered. `further` are responses beside those and the problems.
    """

    answer: str | None = None
    also: dict[str, str] = field(default_factory=dict)
    content: Schema = field(default_factory=dict)
    parameters: tuple[Schema, ...] = ()
    body: Schema | None = None
    further: Schema = field(default_factory=dict)


def _parameter(name: str, where: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"name": name, "in": where, "required": required, "schema": schema}


SPECIAL_ANSWERS: dict[str, Special] = {
    "events": Special(
        content={"text/event-stream": _RAW},
        parameters=(
            _parameter(
                "topic",
                "query",
                {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                    "maxItems": 16,
                    "description": "the name of an operation that only looks, with its arguments: jobs.list?state=dead",
                },
                required=True,
            ),
            _parameter("last", "query", {"type": "string", "description": "the id of the event that was seen last"}),
            _parameter("Last-Event-ID", "header", {"type": "string"}),
        ),
    ),
    "content": Special(
        content={"application/x-ndjson": _RAW, "application/json": {}, "application/octet-stream": _RAW},
        parameters=(
            _parameter("at", "query", {"type": "string", "description": "the key at which the result has a list"}),
            _parameter("download", "query", {"type": "string", "description": "given: as a file to be kept"}),
            _parameter("Range", "header", {"type": "string", "description": "bytes=FIRST-LAST"}),
        ),
        further={
            "206": {"description": "the bytes of the range", "content": {"application/x-ndjson": _RAW, "*/*": _RAW}},
            "304": {"description": "it is as it was"},
            "416": {"description": "there are no such bytes", "content": {"application/problem+json": {}}},
        },
    ),
    "change": Special("ChangeShown"),
    "openapi": Special("ApiDescription"),
    "me": Special("Caller"),
    "login": Special(
        "Caller",
        body={"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"]},
    ),
    "logout": Special("LoggedOut"),
    "prometheus": Special(content={"text/plain": _RAW}),
    "health": Special("Health"),
    "ready": Special("Readiness", also={"503": "the store does not answer"}),
}
