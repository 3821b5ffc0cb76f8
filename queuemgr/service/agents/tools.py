"""Each operation as a tool: its name, its words, what it takes and answers, and what it may do. It calls none."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from queuemgr.service.operations.schemas import Schema, inward, schema_of
from queuemgr.service.operations.table import OPERATIONS
from queuemgr.store import Query

from .outputs import output_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.operations.operation import Operation, Scope

NOT_FOR_AGENTS = frozenset({"tokens.list", "tokens.add", "tokens.remove"})
"""Who may come in is for people to decide, and the secret of a new token must not be read by a model."""

CONFIRM = "confirm"
LONGEST_WAIT = 50.0
"""Seconds for which a tool waits at most: whoever calls it gives up not much later."""

_REVERSIBLE = frozenset(
    {
        *("enqueue", "hold", "limit", "pause", "prioritise", "quiet"),
        *("release", "reload", "resume", "run", "silence", "start"),
    }
)
"""The last words of operations that destroy nothing; every other one that changes something is said to."""
_REPEATABLE = frozenset(
    {
        *("delete", "drain", "limit", "pause", "prioritise", "prune"),
        *("purge", "quiet", "remove", "resume", "silence", "stop"),
    }
)
_USUAL: dict[str, Any] = {"count": 5, "missed": "once", "timeout": LONGEST_WAIT, "zone": "UTC"}
"""What an agent may leave out although the operation has no value for it."""
_FIRST = (
    "It changes something: the first call only answers what it would do, with a code; the same call with that code as "
    f"`{CONFIRM}` does it."
)


@dataclass(frozen=True)
class Tool:
    name: str
    operation: Operation
    description: str
    schema: Schema

    @property
    def output(self) -> Schema:
        """What it answers where it does not fail."""
        return output_of(self.operation)

    @property
    def destructive(self) -> bool:
        return self.operation.changes and self._word not in _REVERSIBLE

    @property
    def idempotent(self) -> bool:
        """Whether twice is the same as once."""
        return not self.operation.changes or self._word in _REPEATABLE

    @property
    def _word(self) -> str:
        return self.operation.name.rpartition(".")[2]

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the operation, in the types that it takes. Raises Misused, ValidationError."""
        usual = {name: _USUAL[name] for name in self._left_out if name in _USUAL}
        if not self.operation.changes:
            usual |= {name: {} for name in self._left_out if self.operation.parameters[name].type is Query}
        found = inward(self.operation, usual | dict(given))
        if "timeout" in found and not self.operation.changes:
            found["timeout"] = min(found["timeout"] or LONGEST_WAIT, LONGEST_WAIT)
        self.operation.converted(found)
        return found

    @property
    def _left_out(self) -> list[str]:
        return [name for name, one in self.operation.parameters.items() if one.required]


def tools_for(scope: Scope) -> dict[str, Tool]:
    """Those that somebody with this scope may call, by name."""
    allowed = (one for name, one in OPERATIONS.items() if name not in NOT_FOR_AGENTS and one.scope <= scope)
    return {(tool := tool_of(one)).name: tool for one in allowed}


def tool_of(operation: Operation) -> Tool:
    return Tool(name_of(operation), operation, _description(operation), _schema(operation))


def name_of(operation: Operation) -> str:
    return operation.name.replace(".", "_")


def _description(operation: Operation) -> str:
    sentence = f"{operation.description[0].upper()}{operation.description[1:]}."
    told = " ".join((inspect.getdoc(operation.function) or "").partition("Raises")[0].split())
    answer = f"Answers {', '.join(operation.result.__annotations__)}."
    return "\n".join(part for part in (sentence, told, answer, _FIRST * operation.changes) if part)


def _schema(operation: Operation) -> Schema:
    schema = schema_of(operation)
    left_out = set(_USUAL)
    if operation.changes:
        code = {"type": "string", "description": "the code of the first answer; without it nothing is changed"}
        schema["properties"][CONFIRM] = code
    else:
        left_out |= {name for name, one in operation.parameters.items() if one.type is Query}
    schema["required"] = [name for name in schema["required"] if name not in left_out]
    return schema
