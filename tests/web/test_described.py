"""The routes that are no operations answer what the description of the API says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from queuemgr.service import told
from queuemgr.service.access.tokens import Tokens
from queuemgr.service.web.bridge import Bridge
from queuemgr.service.web.config import WebConfig
from queuemgr.service.web.openapi import describe
from queuemgr.service.web.routes import OLDER, SPECIAL, Routes
from tests.fitting import misfits
from tests.web.rig import Answer, Asked

DOCUMENT = describe(Routes().all, "/")
STREAMS = {"events", "content", "prometheus"}
OTHERS = {route.path: route.method.lower() for route in SPECIAL if route.name not in STREAMS}


def described(path: str, status: str = "200") -> dict[str, Any]:
    told = DOCUMENT["paths"][path][OTHERS[path]]["responses"][status]
    schema: dict[str, Any] = told["content"]["application/json"]["schema"]
    return schema


def fits(path: str, answer: Answer) -> bool:
    """Whether it has all that is declared, and nothing else."""
    schema = described(path, str(answer.status))
    jsonschema.Draft202012Validator({"components": DOCUMENT["components"], **schema}).validate(answer.json)
    return misfits(path, answer.json, getattr(told, schema["$ref"].rpartition("/")[2])) == []


@pytest.fixture
def guarded(config: WebConfig, tmp_path: Path) -> Iterator[tuple[Asked, str]]:
    """A site that nobody enters without a token, and one that does."""
    _, secret = Tokens(tmp_path / "tokens.json").add("ann", "operate")
    bridge = Bridge(replace(config, always_token=True))
    yield Asked(bridge), secret
    bridge.close()


def test_only_streams_and_the_older_routes_are_described_without_a_type() -> None:
    untyped = set()
    older = {route.path for route in OLDER}
    for path, methods in DOCUMENT["paths"].items():
        for described in methods.values() if path not in older else ():
            content = described["responses"]["200"]["content"]
            if "$ref" not in content.get("application/json", {}).get("schema", {}):
                untyped.add(described["operationId"])
    assert untyped == STREAMS


def test_types_of_the_site_are_among_those_that_programs_can_import() -> None:
    assert {described(path)["$ref"].rpartition("/")[2] for path in OTHERS} <= set(told.__all__)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/me", "/api/v1/openapi.json"])
def test_what_everybody_may_ask_is_answered_as_it_is_described(path: str, asked: Asked) -> None:
    answer = asked("GET", path)
    assert answer.status == 200
    assert fits(path, answer)


def test_a_store_that_is_not_ready_is_told_of_as_it_is_described(asked: Asked, tmp_path: Path) -> None:
    assert asked("GET", "/readyz").status == 200
    (tmp_path / "jobs.db").rename(tmp_path / "kept.db")
    answer = asked("GET", "/readyz")
    assert answer.status == 503
    assert fits("/readyz", answer)


def test_whoever_logs_in_and_out_is_answered_as_it_is_described(guarded: tuple[Asked, str]) -> None:
    asked, secret = guarded
    answer = asked("POST", "/api/v1/login", {"token": secret})
    assert fits("/api/v1/login", answer)
    cookie = answer.headers["set-cookie"].partition(";")[0]
    me = asked("GET", "/api/v1/me", cookie=cookie)
    assert fits("/api/v1/me", me)
    assert me.json == answer.json | {"via": "web"}
    assert fits("/api/v1/logout", asked("POST", "/api/v1/logout", cookie=cookie))


def test_a_login_that_is_refused_is_a_problem(guarded: tuple[Asked, str]) -> None:
    answer = guarded[0]("POST", "/api/v1/login", {"token": "wrong"})
    schema = DOCUMENT["paths"]["/api/v1/login"]["post"]["responses"]["401"]["content"]["application/problem+json"]
    check = jsonschema.Draft202012Validator({"components": DOCUMENT["components"], **schema["schema"]})
    check.validate(answer.json)
    assert answer.status == 401
