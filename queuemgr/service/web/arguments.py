"""Reads an operation's arguments out of path, query and body. Whether they fit is for the operation to say."""

from __future__ import annotations

from dataclasses import fields
from math import isfinite
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import msgspec

from queuemgr.errors import did_you_mean
from queuemgr.service.failures import Misused
from queuemgr.service.operations.schemas import inward
from queuemgr.store import Query

from .problems import UnsupportedKind
from .request import JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.operations.operation import Operation, Parameter

    from .request import Request

SHORT = {"id": "ids", "state": "states"}
"""How a query's fields are called in an address, where they may be repeated."""

FLAT = {"id", "state"} | {one.name for one in fields(Query)} - {"ids", "states"}


def from_query(operation: Operation, given: Mapping[str, list[str]]) -> dict[str, Any]:
    """Of the text in an address. Raises Misused."""
    parameters = operation.parameters
    known = {name: one for name, one in parameters.items() if one.type is not Query}
    flat = FLAT - known.keys() if len(known) < len(parameters) else set()
    found: dict[str, Any] = {}
    query: dict[str, Any] = {}
    for name, values in given.items():
        if len(values) > 1 and not (name in SHORT if name in flat else name in known and _is_list(known[name])):
            raise Misused(f"{operation.name} takes {name!r} once, not {len(values)} times")
        if name in known:
            found[name] = _read(known[name], values)
        elif name in flat:
            query[SHORT.get(name, name)] = values if name in SHORT else _read_field(name, values[-1])
        else:
            raise Misused(f"{operation.name} takes no {name!r}: {did_you_mean(name, known.keys() | flat)}")
    if len(known) < len(parameters):
        found[_name_of_query(operation)] = {name: value for name, value in query.items() if value not in ("", [""])}
    return found


def from_body(operation: Operation, request: Request) -> dict[str, Any]:
    """Of the JSON object in a body. Raises Misused, UnsupportedKind."""
    return inward(operation, object_in(request))


def object_in(request: Request) -> dict[str, Any]:
    """The body, an empty one for none. Raises Misused, UnsupportedKind."""
    if not request.body:
        return {}
    kind = request.header("content-type").partition(";")[0].strip().lower()
    if kind != JSON:
        raise UnsupportedKind(f"a body of the kind {kind or 'unknown'!r} cannot be read", f"send {JSON}")
    try:
        body = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Misused(f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise Misused("the body is JSON, but no object", 'send {"name": value, ...}')
    return body


def _read(parameter: Parameter, values: list[str]) -> Any:
    """Text in the type of the parameter where it can be read so, else as it is: the operation says what is wrong."""
    if _is_list(parameter):
        return values
    kinds = _kinds(parameter.type)
    text = values[-1]
    if text == "" and NoneType in kinds:
        return None
    if str in kinds:
        return text
    try:
        return msgspec.convert(text, parameter.type, strict=False)
    except msgspec.ValidationError:
        return text


def _read_field(name: str, text: str) -> Any:
    if not name.startswith("created_") or text == "":
        return text
    try:
        moment = float(text)
    except ValueError:
        return text
    # A moment that is none would be before nothing and after nothing: no job at all, and no word of the mistake.
    return moment if isfinite(moment) else text


def _is_list(parameter: Parameter) -> bool:
    return any(get_origin(kind) is not None or kind in (list, tuple) for kind in _kinds(parameter.type))


def _kinds(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (UnionType, Union) else (kind,)


def _name_of_query(operation: Operation) -> str:
    return next(name for name, one in operation.parameters.items() if one.type is Query)
