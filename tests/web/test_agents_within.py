"""Agents that are answered by the page's own server, at /mcp: behind its gate, with no more than they are allowed."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from queuemgr.errors import ConfigError
from queuemgr.service.access.tokens import Tokens
from queuemgr.service.places import Place
from queuemgr.service.web import create_web_app
from queuemgr.service.web.bridge import Bridge
from queuemgr.service.web.config import WebConfig
from tests.web.rig import Asked, Server

pytest.importorskip("mcp_types", reason="needs the package mcp, version 2")

from tests.agents.rig import on_http

HELLO: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


def say(url: str, **headers: str) -> int:
    sent = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{url}/mcp", json.dumps(HELLO).encode(), sent)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_an_agent_looks_by_the_page_s_server_and_may_only_look(tmp_path: Path, url: str) -> None:
    async def scene() -> tuple[dict[str, Any], Any]:
        async with on_http(f"{server.url}/mcp") as agent:
            return await agent.tools(), await agent.call("overview")

    with Server(tmp_path, url, "--mcp") as server:
        tools, told = asyncio.run(asyncio.wait_for(scene(), 60))
        assert not told.failed
        assert told.facts["queues"] == []
        assert "jobs_enqueue" not in tools
        assert server.status_for_a_proxy("POST", "/mcp", json.dumps(HELLO)) == 401
        assert server.ask("GET", "/api/v1/overview").status == 200
    assert "Traceback" not in server.log


def test_agents_pass_the_gate_of_the_page(tmp_path: Path, url: str) -> None:
    secret = Tokens(tmp_path / "tokens.json").add("bot", "operate")[1]

    async def tools() -> dict[str, Any]:
        async with on_http(f"{server.url}/mcp", secret) as agent:
            return await agent.tools()

    with Server(tmp_path, url, "--mcp", "administer", "--always-token") as server:
        assert say(server.url) == 401
        assert say(server.url, host="evil.example") == 403
        assert say(server.url, sec_fetch_site="cross-site") == 403
        assert say(server.url, authorization="Bearer qmgr_wrong") == 401
        found = asyncio.run(asyncio.wait_for(tools(), 60))
        assert "jobs_enqueue" in found
        assert "service_shutdown" not in found
        assert not [name for name in found if name.startswith("tokens_")]


def test_without_the_wish_agents_are_told_how_to_wish_for_it(server: Server, url: str, tmp_path: Path) -> None:
    answer = server.ask("POST", "/mcp", HELLO)
    app = create_web_app(url, token_file=str(tmp_path / "tokens.json"), proc_dir=str(tmp_path / "run"))
    within = app.test_client().post("/mcp", json=HELLO)
    app.extensions["queuemgr"].close()
    for status, problem in ((answer.status, answer.json), (within.status_code, within.json)):
        assert (status, problem["detail"]) == (404, "agents are not answered here")
        assert "queuemgr web --mcp" in problem["hint"]


@pytest.fixture
def within(url: str, tmp_path: Path) -> Iterator[str]:
    """The address of a Flask with the page in it, below a server of WSGI that knows no ASGI."""
    Tokens(tmp_path / "tokens.json").add("ann", "operate")
    app = create_web_app(url, token_file=str(tmp_path / "tokens.json"), proc_dir=str(tmp_path / "run"), mcp="operate")
    served = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join()
    served.server_close()
    app.extensions["queuemgr"].close()


def test_an_agent_is_answered_below_a_server_of_wsgi(within: str) -> None:
    async def scene() -> tuple[dict[str, Any], Any]:
        async with on_http(f"{within}/mcp") as agent:
            would = await agent.call("jobs_enqueue", task="shop.pack", arguments=[1])
            done = await agent.call("jobs_enqueue", task="shop.pack", arguments=[1], confirm=would.facts["confirm"])
            return await agent.tools(), done

    tools, done = asyncio.run(asyncio.wait_for(scene(), 60))
    assert "store_prune" not in tools
    assert done.facts["job"]["task"] == "shop.pack", done.text


def test_below_wsgi_agents_pass_the_gate_and_open_no_streams(within: str) -> None:
    assert say(within) == 200
    assert say(within, host="evil.example") == 403
    assert say(within, sec_fetch_site="cross-site") == 403
    assert say(within, authorization="Bearer qmgr_wrong") == 401
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{within}/mcp", timeout=20)
    with refused.value as answer:
        assert (answer.code, answer.headers["allow"]) == (405, "POST")
        assert "cannot keep open" in json.load(answer)["detail"]


def test_a_route_of_the_program_at_the_same_path_goes_first(url: str, tmp_path: Path) -> None:
    app = create_web_app(url, token_file=str(tmp_path / "tokens.json"), proc_dir=str(tmp_path / "run"), mcp="read")
    app.add_url_rule("/mcp", "theirs", lambda: "theirs", methods=["POST"])
    assert app.test_client().post("/mcp", json=HELLO).data == b"theirs"
    app.extensions["queuemgr"].close()


def test_a_scope_that_does_not_exist_is_named(url: str, tmp_path: Path) -> None:
    bridge = Bridge(WebConfig(place=Place(url), proc_dir=str(tmp_path), mcp="write"))
    with pytest.raises(ConfigError, match="'write' is none"):
        Asked(bridge)("GET", "/api/v1/overview")
    bridge.close()
