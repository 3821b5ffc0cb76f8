"""Serves one agent over standard input and output. Whoever started the process is who asks."""

from __future__ import annotations

import signal
from getpass import getuser
from typing import TYPE_CHECKING

from queuemgr.service.desk import Visitor

from .serving import make_server, require_sdk

if TYPE_CHECKING:
    from queuemgr.service.operations.operation import Scope

    from .answering import Answering


async def serve_standard(answering: Answering, scope: Scope) -> None:
    """Until the input ends. Raises ConfigError where the SDK is not installed."""
    require_sdk()
    from mcp.server.stdio import stdio_server

    visitor = Visitor(_user(), scope, "mcp")
    server = make_server(answering, lambda _: visitor)
    # The thread that reads the input cannot be woken: Ctrl-C ends the process, which has nothing to put in order.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        return "somebody"
