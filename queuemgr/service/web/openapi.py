"""Describes the API in OpenAPI 3.1, out of the table of operations and the routes beside it. It checks no request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr import __version__
from queuemgr.service.operations.schemas import answers_of, schema_of
from queuemgr.store import Query

from . import problems
from .arguments import SHORT
from .changes import LASTING
from .idempotency import HEADER, LONGEST
from .special import SPECIAL_ANSWERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from queuemgr.service.operations.operation import Operation

    from .routes import Route

    Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "hint"],
    "properties": {
        "type": {"type": "string", "description": "urn:queuemgr: and the kind of error"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what happened, to what"},
        "hint": {"type": ["string", "null"], "description": "what to do next"},
    },
}
_REFUSALS = {
    "400": "the request makes no sense",
    "401": "a token is needed",
    "403": "who asks may not do this",
    "404": "there is none of that name",
    "409": "what is there does not allow it",
    "413": "the body is too large",
    "415": "the body is no JSON",
    "422": "a value is wrong",
    "429": "asked too often",
    "default": "any other problem",
}


def describe(routes: Iterable[Route], server: str) -> Schema:
    """The document. `server` is the path below which everything is."""
    paths: dict[str, Schema] = {}
    routes = list(routes)
    answers, components = _answers(routes)
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, answers)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "queuemgr",
            "version": __version__,
            "description": "Jobs, queues, workers and schedules. Times are seconds since 1970, durations seconds.",
        },
        "servers": [{"url": server or "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Problem": _PROBLEM, **components},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _answers(routes: Iterable[Route]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """What each route answers that has a type for it, by its name; and the components to which that refers."""
    kinds = {route.name: kind for route in routes if (kind := _kind_of(route)) is not None}
    found, components = answers_of(tuple(kinds.values()), "components/schemas")
    return dict(zip(kinds, found, strict=True)), components


def _kind_of(route: Route) -> Any:
    from queuemgr.service import told

    if route.operation is not None:
        return route.operation.result
    name = SPECIAL_ANSWERS[route.name].answer if route.name in SPECIAL_ANSWERS else None
    return None if name is None else getattr(told, name)


def _operation(route: Route, answers: dict[str, Schema]) -> Schema:
    if route.older:
        return _older(route)
    if route.operation is None:
        return _special(route, answers)
    told = schema_of(route.operation)
    looks = route.method in ("GET", "DELETE")
    parameters = [*_of_path(route, told), *(_of_address(route.operation, route, told) if route.method == "GET" else ())]
    described: Schema = {
        "operationId": route.name,
        "summary": route.description,
        "description": _description(route.operation),
        "tags": [route.name.partition(".")[0]],
        "parameters": parameters,
        "responses": _responses(answers[route.name]),
        "x-scope": route.operation.scope.name.lower(),
        "x-verb": f"queuemgr {route.operation.verb}",
    }
    if not looks:
        described["requestBody"] = _body(route, told)
    if route.name == "jobs.enqueue":
        parameters.append(_header(HEADER, "at most one job is enqueued for all requests with the same key", LONGEST))
    if route.name in LASTING:
        parameters.append(_header(HEADER, "carried out once for all requests with the same key", LONGEST))
    return described


def _special(route: Route, answers: dict[str, Schema]) -> Schema:
    extra = SPECIAL_ANSWERS[route.name]
    content = extra.content if extra.answer is None else {"application/json": {"schema": answers[route.name]}}
    told = {status: {"description": text, "content": content} for status, text in extra.also.items()}
    described: Schema = {
        "operationId": route.name,
        "summary": route.description,
        "tags": ["page"],
        "parameters": [*_of_path(route, {"properties": {}}), *extra.parameters],
        "responses": {"200": {"description": route.description, "content": content}, **told, **extra.further}
        | _refused(),
    }
    if extra.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": extra.body}}}
    return described


def _older(route: Route) -> Schema:
    refused = {"description": "it could not be done", "content": {"application/json": {"schema": {"type": "object"}}}}
    described: Schema = {
        "operationId": f"{route.name}.{route.method.lower()}",
        "summary": route.description,
        "tags": ["older"],
        "deprecated": True,
        "parameters": _of_path(route, {"properties": {}}),
        "responses": {"200": {"description": "done", "content": {"application/json": {}}}, "default": refused},
    }
    if route.method == "POST":
        described["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return described


def _of_path(route: Route, told: Schema) -> list[Schema]:
    schemas = told["properties"]
    return [
        {"name": name, "in": "path", "required": True, "schema": schemas.get(name, _TEXT) | {"minLength": 1}}
        for name in route.names
    ]


def _of_address(operation: Operation, route: Route, told: Schema) -> list[Schema]:
    found = []
    names = {long: short for short, long in SHORT.items()}
    for name, parameter in operation.parameters.items():
        if name in route.names:
            continue
        schema = told["properties"][name]
        if parameter.type is Query:
            fields = schema["properties"].items()
            taken = operation.parameters
            found += [_of_query(names.get(key, key), one, required=False) for key, one in fields if key not in taken]
        else:
            found.append(_of_query(name, schema, required=parameter.required))
    return found


def _of_query(name: str, schema: Schema, *, required: bool) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": _without_null(schema)}


def _without_null(schema: Schema) -> Schema:
    """In an address nothing is said by leaving it out."""
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if not choices:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return rest | (choices[0] if len(choices) == 1 else {"anyOf": choices})


def _header(name: str, description: str, longest: int) -> Schema:
    schema = {"type": "string", "maxLength": longest, "description": description}
    return {"name": name.title(), "in": "header", "required": False, "schema": schema}


def _body(route: Route, told: Schema) -> Schema:
    properties = {name: one for name, one in told["properties"].items() if name not in route.names}
    required = [name for name in told["required"] if name not in route.names]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _description(operation: Operation) -> str:
    text = " ".join((operation.function.__doc__ or "").split())
    return f"{text}\n\nNeeds the scope {operation.scope.name.lower()}; in a terminal: `queuemgr {operation.verb}`."


def _responses(schema: Schema) -> Schema:
    return {"200": {"description": "the answer", "content": {"application/json": {"schema": schema}}}} | _refused()


def _refused() -> Schema:
    content = {problems.KIND: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": text, "content": content} for status, text in _REFUSALS.items()}
