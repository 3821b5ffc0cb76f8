"""Streams end when their reader may not read any more: its token was removed, or its file cannot be used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App
from queuemgr.service.access.tokens import Tokens
from queuemgr.service.web import guarding
from queuemgr.service.web.bridge import Bridge, Chunks
from queuemgr.service.web.config import WebConfig
from tests.web.rig import Asked
from tests.worker.rig import drain, run


@pytest.fixture
def tokens(config: WebConfig) -> Tokens:
    assert config.token_file is not None
    return Tokens(Path(config.token_file))


@pytest.fixture
def closed(config: WebConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """A page that asks everybody for a token, and looks again at every piece."""
    monkeypatch.setattr(guarding, "LOOK_AGAIN", 0.0)
    bridge = Bridge(replace(config, always_token=True))
    yield Asked(bridge)
    bridge.close()


def chunks(asked: Asked, path: str, secret: str) -> Chunks:
    sent: dict[str, Any] = {"authorization": f"Bearer {secret}"}
    response = asked.bridge.answer(asked.request("GET", path, None, "", sent))
    assert response.status == 200
    return Chunks(asked.bridge, response.body)


def shut_out(tokens: Tokens, how: str) -> None:
    if how == "removed":
        tokens.remove("ann")
    else:
        tokens.path.chmod(0o644)


@pytest.mark.parametrize("how", ["removed", "unusable"])
def test_events_end_when_the_token_is_gone(closed: Asked, tokens: Tokens, url: str, how: str) -> None:
    stream = chunks(closed, "/api/v1/events?topic=overview", tokens.add("ann", "read")[1])
    other = tokens.add("bob", "operate")[1]
    assert next(stream) == b"retry: 2000\n\n"
    assert b"event: overview" in next(stream)
    assert closed("POST", "/api/v1/jobs", {"task": "a.b"}, authorization=f"Bearer {other}").status == 200
    assert b"event: overview" in next(stream)
    shut_out(tokens, how)
    site = closed.bridge._opening.site
    assert site is not None
    app = App(url)
    app.task(name="a.c")(lambda: None).enqueue()
    app.close()
    site.hub.wake()
    assert list(stream) == []
    assert site.hub.viewers == 0
    stream.close()


def test_a_result_ends_when_the_token_is_gone(closed: Asked, tokens: Tokens, url: str) -> None:
    app = App(url)
    handle = app.task(name="t.rows")(lambda: [os.urandom(500).hex() for _ in range(3000)]).enqueue()
    run(lambda: drain(app))
    app.close()
    stream = chunks(closed, f"/api/v1/jobs/{handle.id}/result/content", tokens.add("ann", "read")[1])
    assert next(stream)
    shut_out(tokens, "removed")
    assert list(stream) == []
    stream.close()


def test_a_look_again_counts_as_no_request_and_no_failed_login(closed: Asked, tokens: Tokens) -> None:
    secret = tokens.add("ann", "read", limit=3)[1]
    stream = chunks(closed, "/api/v1/events?topic=overview", secret)
    next(stream)
    next(stream)
    site = closed.bridge._opening.site
    assert site is not None
    request = closed.request("GET", "/", None, "", {"authorization": f"Bearer {secret}"})
    for _ in range(50):
        assert site.gate.holds(request)
    assert closed("GET", "/api/v1/me", authorization=f"Bearer {secret}").status == 200
    tokens.remove("ann")
    for _ in range(50):
        assert not site.gate.holds(request)
    right = tokens.add("bob", "read")[1]
    assert closed("POST", "/api/v1/login", {"token": right}).status == 200
    stream.close()
