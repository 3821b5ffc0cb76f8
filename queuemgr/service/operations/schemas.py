"""What operations are asked with and answer, as JSON Schema, for faces that other programs read. It checks no value.

A job to be enqueued is told flat, as "task", "arguments", "named" and "options"; states are words.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from queuemgr.errors import did_you_mean
from queuemgr.job import State
from queuemgr.options import CONFLICTS
from queuemgr.service.failures import Misused
from queuemgr.store import Query

from .changing import AFFECTED
from .request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .operation import Operation, Parameter

Schema = dict[str, Any]

FLAT = ("task", "arguments", "named", "options")
"""What a Request is told as."""

_TOLD = {
    "after": 'the position after which the next page begins: "after" of the page before',
    "at": "the key at which a result has its list",
    "count": "how many",
    "force": "kill it at once if it runs",
    "grace": "seconds that running jobs have to end; by default those that it was started with",
    "job_class": "the name of a job class, or module.Class",
    "job_id": 'the id of a job; "last" stands for the newest where jobs of tasks are meant',
    "job_ids": "the ids of jobs",
    "limit": "how many at most",
    "lines": "how many of the last lines of output",
    "missed": "what becomes of firings that nobody saw: skip, once or all",
    "most": "how many jobs at most",
    "name": "its name",
    "names": "their names",
    "new": "also queues that have no jobs and no workers yet",
    "offset": "the first item; a negative one counts from the end",
    "paused": "true to pause it, false to let it go on",
    "query": "which jobs: every given field must fit",
    "queue": "the name of a queue",
    "rule": "a cron expression, or for example: every 10s",
    "timeout": "seconds to wait at most",
    "verb": "what to do with the jobs",
    "wait": "answer only when it is done",
    "worker_id": "the id of a worker, or its name where only one has it",
    "zone": "the time zone of a cron expression, for example Europe/Berlin",
}
_OF_QUERY: dict[str, Schema] = {
    "ids": {"type": "array", "items": {"type": "string"}, "description": "these jobs only"},
    "states": {"type": "array", "items": {"enum": [state.word for state in State]}, "description": "in these states"},
    "error": {"description": "whose last error has this text in it"},
    "created_after": {"description": "enqueued since this moment, in seconds since 1970"},
    "created_before": {"description": "enqueued before this moment, in seconds since 1970"},
}

OPTIONS: dict[str, Schema] = {
    "queue": {"type": "string"},
    "priority": {"type": "integer", "minimum": 0, "maximum": 9, "description": "9 runs first"},
    "delay": {"type": "number", "description": "seconds before it may run"},
    "at": {"type": "number", "description": "not before this moment, in seconds since 1970"},
    "attempts": {"type": "integer", "minimum": 1},
    "timeout": {"type": "number", "description": "seconds that a run may take"},
    "keep": {"type": "number", "description": "seconds for which the finished job is kept"},
    "unique": {"type": "string", "description": "at most one unfinished job with this key"},
    "unique_for": {"type": "number", "description": "seconds after it was enqueued in which there is no second one"},
    "on_conflict": {"enum": list(CONFLICTS)},
    "held": {"type": "boolean", "description": "not before it is released"},
    "tags": {"type": "array", "items": {"type": "string"}},
}


def schema_of(operation: Operation) -> Schema:
    """The object that holds the operation's arguments."""
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for name, parameter in operation.parameters.items():
        if parameter.type is Request:
            properties |= _of_job()
            required.append("task")
        else:
            properties[name] = _of_parameter(parameter)
            required += [name] if parameter.required else []
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


@cache
def answers_of(kinds: tuple[Any, ...], place: str) -> tuple[tuple[Schema, ...], dict[str, Schema]]:
    """Types of answers as references to what lies at the place in the document; and that, by its names."""
    found, components = msgspec.json.schema_components(kinds, ref_template=f"#/{place}/{{name}}")
    return found, components


def inward(operation: Operation, told: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that the operation takes, of those that fit `schema_of`. Raises Misused."""
    jobs = [name for name, parameter in operation.parameters.items() if parameter.type is Request]
    if not jobs or jobs[0] in told:
        return dict(told)
    rest = {name: value for name, value in told.items() if name not in FLAT}
    positional, named, options = told.get("arguments", []), told.get("named", {}), told.get("options", {})
    if "task" not in told:
        raise Misused(f"{operation.name} needs the name of a task", "give it as task; tasks.list tells the names")
    for name in rest:
        if name not in operation.parameters:
            known = dict.fromkeys((*FLAT, *(one for one in operation.parameters if one not in jobs)))
            raise Misused(f"{operation.name} takes no argument {name!r}: {did_you_mean(name, known)}")
    if not isinstance(positional, list) or not isinstance(named, dict):
        raise Misused("arguments is a list, and named an object")
    return rest | {
        jobs[0]: {
            "task": told["task"],
            "positional": [{"value": value} for value in positional],
            "named": {name: {"value": value} for name, value in named.items()},
            "options": options,
        }
    }


def _of_parameter(parameter: Parameter) -> Schema:
    schema = _of_query() if parameter.type is Query else _of_type(parameter.type)
    if parameter.name == "verb" and parameter.type is str:
        schema = {"enum": list(AFFECTED)}
    if not parameter.required and isinstance(parameter.default, (bool, int, float, str)):
        schema["default"] = parameter.default
    return schema | ({"description": _TOLD[parameter.name]} if parameter.name in _TOLD else {})


def _of_query() -> Schema:
    hints = get_type_hints(Query)
    fields = {name: _of_type(hint) for name, hint in hints.items() if name not in ("ids", "states")}
    names = dict.fromkeys((*_OF_QUERY, *fields))
    properties = {name: fields.get(name, {}) | _OF_QUERY.get(name, {}) for name in names}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _of_job() -> dict[str, Schema]:
    return {
        "task": {"type": "string", "description": "the name of a task, as tasks.list tells it"},
        "arguments": {"type": "array", "default": [], "description": "positional arguments, as JSON"},
        "named": {"type": "object", "default": {}, "description": "named arguments, as JSON"},
        "options": {"type": "object", "properties": OPTIONS, "default": {}},
    }


def _of_type(kind: Any) -> Schema:
    """Anything at all where a type has no form in JSON."""
    try:
        return dict(msgspec.json.schema(kind))
    except (TypeError, NameError):
        return {}
