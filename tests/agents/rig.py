"""Agents as they are in life: the SDK's own client, over a process's standard input and output or over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from queuemgr import App
from queuemgr.service.access.config import AccessConfig
from queuemgr.service.access.gate import Gate
from queuemgr.service.agents.http import PATH, make_asgi
from queuemgr.service.agents.opening import AgentConfig, answering_for
from queuemgr.service.operations.operation import Scope
from queuemgr.service.places import Place
from queuemgr.service.web.serving import listen, url_of

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Said:
    facts: dict[str, Any]
    text: str
    failed: bool


@dataclass(slots=True)
class Agent:
    """Speaks the protocol; `call` answers what a tool said."""

    client: Any

    async def call(self, tool: str, **arguments: Any) -> Said:
        answer = await self.client.call_tool(tool, arguments)
        (part,) = answer.content
        # What has not failed was held against the tool's schema by the client.
        assert answer.structured_content == (None if answer.is_error else json.loads(part.text))
        return Said(json.loads(part.text), part.text, answer.is_error)

    async def tools(self) -> dict[str, Any]:
        return {tool.name: tool for tool in (await self.client.list_tools()).tools}


def run(scene: Callable[[], Any]) -> Any:
    return asyncio.run(asyncio.wait_for(scene(), 60))


def command(app: App, *words: str) -> list[str]:
    return [sys.executable, "-m", "queuemgr", "mcp", "--store", app.url, *words]


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUEUEMGR_")}
    more = {"PYTHONPATH": str(ROOT), "QUEUEMGR_TOKEN_FILE": str(folder / "tokens.json"), "HOME": str(folder)}
    return kept | more


@asynccontextmanager
async def on_standard(app: App, folder: Path, *words: str, mode: str = "auto") -> AsyncIterator[Agent]:
    from mcp import Client, StdioServerParameters

    program, *rest = command(app, "--proc-dir", str(folder / "nobody"), *words)
    server = StdioServerParameters(command=program, args=rest, env=environment(folder), cwd=folder)
    async with Client(server, mode=mode) as client:
        yield Agent(client)


@contextmanager
def http_server(app: App, folder: Path, *words: str) -> Iterator[str]:
    """The address of a server on a free port; it ends with the context."""
    process = subprocess.Popen(
        command(app, "--proc-dir", str(folder / "nobody"), "--http", "0", *words),
        env=environment(folder),
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        yield found[0]
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


@asynccontextmanager
async def served(app: App, folder: Path, most: Scope) -> AsyncIterator[str]:
    """The address of a server in this process, on a real port."""
    config = AgentConfig(place=Place(app.url), most=most, proc_dir=str(folder / "nobody"))
    gate = Gate(AccessConfig(token_file=folder / "tokens.json"))
    async with answering_for(config) as answering:
        settings = uvicorn.Config(make_asgi(answering, gate, most), log_level="warning", ws="none")
        server = uvicorn.Server(settings)
        with listen("127.0.0.1", 0) as listening:
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                yield url_of(listening, "127.0.0.1") + PATH
            finally:
                server.should_exit = True
                await serving


@asynccontextmanager
async def on_http(url: str, token: str | None = None, mode: str = "auto") -> AsyncIterator[Agent]:
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield Agent(client)
