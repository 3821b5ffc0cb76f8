"""Real agents talk to a real `queuemgr mcp`: over standard input and output, and over HTTP behind the gate."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App, Query, State
from queuemgr.client import AsyncClient
from queuemgr.service.agents.serving import guide_text
from queuemgr.service.agents.tools import NOT_FOR_AGENTS, tools_for
from queuemgr.service.operations.operation import Scope
from queuemgr.service.operations.table import OPERATIONS, call

from .rig import command, environment, http_server, on_http, on_standard, run, served

GUIDE = "queuemgr://how-to-read-this-queue"


def test_an_agent_looks_at_the_queue_and_changes_it_once_it_has_confirmed(app: App, tmp_path: Path) -> None:
    async def scene() -> None:
        async with on_standard(app, tmp_path, "--allow", "operate") as agent:
            seen = await agent.call("overview")
            assert [queue["name"] for queue in seen.facts["queues"]] == ["default"]
            asked = {"verb": "retry", "query": {"states": ["dead"]}}
            would = await agent.call("jobs_change_matching", **asked)
            assert (would.facts["done"], would.facts["matched"], would.facts["states"]) == (False, 2, {"dead": 2})
            assert would.facts["would"] == "retry 2 jobs"
            assert await _dead(app) == 2
            done = await agent.call("jobs_change_matching", **asked, confirm=would.facts["confirm"])
            assert done.facts == {"verb": "retry", "changed": 2}
            assert await _dead(app) == 0
            again = await agent.call("jobs_change_matching", **asked, confirm=would.facts["confirm"])
            assert again.failed
            assert "nothing was done a second time" in again.facts["message"]

    run(scene)


def test_an_agent_of_the_older_protocol_may_only_look_unless_more_is_allowed(app: App, tmp_path: Path) -> None:
    async def scene() -> None:
        async with on_standard(app, tmp_path, mode="legacy") as agent:
            assert not (await agent.call("jobs_list")).failed
            assert all(tool.annotations.read_only_hint for tool in (await agent.tools()).values())
            refused = await agent.call("jobs_change_matching", verb="retry", query={})
            assert refused.failed
            assert "for the scope read" in refused.facts["message"]

    run(scene)


def test_every_operation_is_a_tool_that_says_what_it_may_do(app: App, tmp_path: Path) -> None:
    async def scene() -> dict[str, Any]:
        async with served(app, tmp_path, Scope.ADMINISTER) as url, on_http(url) as agent:
            return await agent.tools()

    tools = run(scene)
    assert set(tools) == {name.replace(".", "_") for name in OPERATIONS.keys() - NOT_FOR_AGENTS}
    for operation in (one for one in OPERATIONS.values() if one.name not in NOT_FOR_AGENTS):
        tool = tools[operation.name.replace(".", "_")]
        assert tool.annotations.read_only_hint is not operation.changes
        assert ("confirm" in tool.input_schema["properties"]) is operation.changes
        assert not (tool.annotations.read_only_hint and tool.annotations.destructive_hint)
    assert tools["jobs_change_matching"].annotations.destructive_hint
    assert not tools["queues_pause"].annotations.destructive_hint
    assert tools["queues_pause"].annotations.idempotent_hint


def test_the_guide_can_be_read_and_nothing_else(app: App, tmp_path: Path) -> None:
    from mcp import MCPError

    async def scene() -> None:
        async with served(app, tmp_path, Scope.READ) as url, on_http(url) as agent:
            (resource,) = (await agent.client.list_resources()).resources
            assert str(resource.uri) == GUIDE
            (guide,) = (await agent.client.read_resource(GUIDE)).contents
            for state in State:
                assert f"| {state.word} |" in guide.text
            with pytest.raises(MCPError, match="no resource"):
                await agent.client.read_resource("file:///etc/passwd")

    run(scene)


def test_the_guide_names_tools_that_there_are() -> None:
    named = set(re.findall(r"`([a-z]+_[a-z_]+|overview)`", guide_text()))
    assert named - {"oldest_ready"} <= set(tools_for(Scope.ADMINISTER))
    assert len(named) > 4


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_over_http_a_token_says_who_asks_and_how_much_it_may(app: App, tmp_path: Path, mode: str) -> None:
    reader, operator = _token(app, tmp_path, "ann", "read"), _token(app, tmp_path, "bob", "operate")

    async def scene() -> None:
        async with served(app, tmp_path, Scope.OPERATE) as url:
            async with on_http(url, reader, mode) as agent:
                assert not (await agent.call("queues_list")).failed
                assert (await agent.call("queues_pause", names=["default"])).failed
            async with on_http(url, operator, mode) as agent:
                would = await agent.call("queues_pause", names=["default"])
                assert would.facts["queues"][0]["counts"] == {"ready": 1, "dead": 2}
                done = await agent.call("queues_pause", names=["default"], confirm=would.facts["confirm"])
                assert done.facts == {"queues": ["default"], "paused": True}
                assert "store_prune" not in await agent.tools()

    run(scene)
    assert _audit(app)[0] == ("queues.pause", "bob", "mcp")


def test_a_code_is_worth_nothing_in_other_hands(app: App, tmp_path: Path) -> None:
    tokens = [_token(app, tmp_path, name, "operate") for name in ("ann", "bob")]

    async def scene() -> None:
        async with (
            served(app, tmp_path, Scope.OPERATE) as url,
            on_http(url, tokens[0]) as ann,
            on_http(url, tokens[1]) as bob,
        ):
            would = await ann.call("queues_pause", names=["default"])
            refused = await bob.call("queues_pause", names=["default"], confirm=would.facts["confirm"])
            assert refused.failed
            assert refused.facts["error"] == "Unconfirmed"

    run(scene)
    assert not any(queue.paused for queue in app.client.queues())


def test_what_the_command_allows_bounds_every_token(app: App, tmp_path: Path) -> None:
    token = _token(app, tmp_path, "root", "administer")

    async def scene(url: str) -> dict[str, Any]:
        async with on_http(url, token) as agent:
            return await agent.tools()

    with http_server(app, tmp_path) as url:
        assert all(tool.annotations.read_only_hint for tool in run(lambda: scene(url)).values())


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Authorization": "Bearer wrong"},
    ],
    ids=["foreign page", "foreign name", "wrong token"],
)
def test_over_http_nobody_gets_in_by(app: App, tmp_path: Path, headers: dict[str, str]) -> None:
    async def scene() -> None:
        async with served(app, tmp_path, Scope.OPERATE) as url:
            status, problem = await asyncio.to_thread(_post, url, headers)
            assert status in (401, 403), problem
            assert problem["detail"]

    run(scene)


def test_an_address_of_other_machines_needs_a_token_first(app: App, tmp_path: Path) -> None:
    done = subprocess.run(
        command(app, "--http", "0.0.0.0:0"),
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert "queuemgr token add" in done.stderr


def test_without_the_sdk_it_is_said_how_to_install_it(app: App, tmp_path: Path) -> None:
    (tmp_path / "mcp_types.py").write_text("raise ImportError('not here')")
    lines = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})",
        "from queuemgr.service.cli.main import main",
        f"main({command(app)[3:]!r})",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=environment(tmp_path),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'queuemgr[mcp]'" in done.stderr


async def _dead(app: App) -> int:
    return await app.aio.count(Query(states=(State.DEAD,)))


def _token(app: App, folder: Path, name: str, scope: str) -> str:
    async def add() -> Any:
        client: AsyncClient = app.aio
        told = await call("tokens.add", {"name": name, "scope": scope}, client, token_file=folder / "tokens.json")
        await client.store.close()
        return told

    return str(run(add)["secret"])


def _audit(app: App) -> list[tuple[str, str, str]]:
    async def look() -> Any:
        told = await call("audit.list", {}, app.aio)
        await app.aio.store.close()
        return told

    return [(one["operation"], one["who"], one["via"]) for one in run(look)["entries"]]


def _post(url: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"} | headers
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(asked).encode(), sent), timeout=10) as told:
            return told.status, json.loads(told.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
