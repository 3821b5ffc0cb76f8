"""Whatever fits the description of the API, and much that does not, is answered without a mistake of the server.

Each answer fits the schema that the description has for it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from requests import Request as HttpRequest
from schemathesis import GenerationMode
from schemathesis.core.transport import Response as Received
from schemathesis.specs.openapi.checks import response_schema_conformance

from queuemgr.service.web.openapi import describe
from queuemgr.service.web.problems import KIND
from queuemgr.service.web.request import Request, Response
from queuemgr.service.web.routes import Routes
from tests.web.rig import Asked

EXAMPLES = 3
ABSENT = frozenset({501, 503, 504})
"""What a page without a service, and a store without some of the abilities, say rightly."""

pytestmark = pytest.mark.slow
SCHEMA = schemathesis.openapi.from_dict(describe(Routes().all, ""))
FOUND = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}


def test_the_description_can_be_read_by_other_programs() -> None:
    assert len(FOUND) == len(Routes().all)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "odd"])
def test_no_request_makes_the_server_fail(asked: Asked, mode: GenerationMode) -> None:
    answered: set[int] = set()
    for operation in FOUND.values():
        if mode is GenerationMode.POSITIVE or not _takes_nothing(operation):
            answered |= explored(asked, operation, mode)
    assert answered >= ({200, 404} if mode is GenerationMode.POSITIVE else {400, 422})


def explored(asked: Asked, operation: Any, mode: GenerationMode) -> set[int]:
    answered: set[int] = set()

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def play(case: Any) -> None:
        answered.add(ask(asked, case))

    # Where there is next to nothing to do wrong, nothing wrong is found.
    with suppress(Unsatisfiable):
        play()
    return answered


def _takes_nothing(operation: Any) -> bool:
    return not (operation.query or operation.body)


def ask(asked: Asked, case: Any) -> int:
    """The status of the answer. What cannot be sent over HTTP at all is sent as well as it can be."""
    path = case.path
    for name, value in (case.path_parameters or {}).items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe="", errors="replace"))
    pairs = []
    for name, value in dict(case.query or {}).items():
        many = value if isinstance(value, list) else [value]
        pairs += [(name, json.dumps(one) if isinstance(one, (dict, list, bool)) else str(one)) for one in many]
    headers = {"host": "localhost", **{str(name).lower(): str(value) for name, value in (case.headers or {}).items()}}
    body = b""
    if case.body is not None and type(case.body).__name__ != "NotSet":
        body = case.body if isinstance(case.body, bytes) else json.dumps(case.body, default=str).encode()
        headers["content-type"] = "application/json"
    query = urlencode(pairs, errors="replace")
    response = asked.bridge.answer(Request(case.method, path, query, headers, body, "127.0.0.1"))
    told = f"{case.method} {path}?{query} {body[:500]!r}"
    if not isinstance(response.body, bytes):
        asked.bridge.run(response.body.aclose())
    elif response.status >= 400 and not path.startswith("/api/jobs") and "older" not in str(case.operation.tags):
        assert response.header("content-type") == KIND or response.status == 503, told
        assert json.loads(response.body)["status"] == response.status, told
    assert response.status < 500 or response.status in ABSENT, f"{told}: {response.body!r}"
    if isinstance(response.body, bytes):
        case.validate_response(_as_received(response, case.method), checks=[response_schema_conformance])
    return response.status


def _as_received(response: Response, method: str) -> Received:
    assert isinstance(response.body, bytes)
    headers = {name.lower(): [value] for name, value in response.headers}
    return Received(
        response.status, headers, response.body, HttpRequest(method, "http://localhost").prepare(), 0.0, True
    )
