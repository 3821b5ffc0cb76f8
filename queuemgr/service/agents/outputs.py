"""What each tool answers, as a JSON Schema whose root is an object. It checks no answer."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from msgspec import Meta

from queuemgr.service.operations.previews import preview_type
from queuemgr.service.operations.schemas import Schema, answers_of

if TYPE_CHECKING:
    from queuemgr.service.operations.operation import Operation

_CUT: Schema = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "description": "only where the answer was too large: what is left out, and how to get it",
}


class Shown(TypedDict):
    """What goes with a change that was shown and not carried out."""

    done: Literal[False]
    confirm: Annotated[str, Meta(description="the code with which the same call does it")]
    next: Annotated[str, Meta(description="what to call to do it")]


class Beginning(TypedDict):
    """An answer that is too large and has no lists to cut."""

    cut: Annotated[str, Meta(description="how large it is")]
    begins: Annotated[str, Meta(description="its first bytes, as text")]


@cache
def output_of(operation: Operation) -> Schema:
    """Of a look its answer; of a change also what it would do. Either may be cut."""
    kinds = [operation.result, Beginning]
    kinds += [preview_type(operation.name), Shown] if operation.changes else []
    (result, beginning, *shown), components = answers_of(tuple(kinds), "$defs")
    defined = {name: _untitled(one) for name, one in components.items()}
    for kind in kinds:
        if kind not in (Beginning, Shown):
            defined[kind.__name__] = _with_cut(defined[kind.__name__])
    choices = [result, *([{"allOf": shown}] if shown else []), beginning]
    return {"type": "object", "anyOf": choices, "$defs": defined}


def _untitled(schema: Schema) -> Schema:
    """The title only says the name again."""
    return {key: value for key, value in schema.items() if key != "title"}


def _with_cut(schema: Schema) -> Schema:
    own = schema["properties"].get("cut")
    cut = _CUT if own is None else {"anyOf": [own, _CUT]}
    return schema | {"properties": schema["properties"] | {"cut": cut}}
