"""Opens what agents ask: the store with the desk before it, and for HTTP an address with its gate. It carries out none
of what they ask.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queuemgr.errors import ConfigError
from queuemgr.service.access.config import AccessConfig, find_token_file, require_token_or_loopback
from queuemgr.service.access.gate import Gate
from queuemgr.service.connecting import connected
from queuemgr.service.desk import Desk
from queuemgr.service.operations.operation import Scope

from .answering import Answering
from .rates import Rates

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable

    from queuemgr.service.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """`most` is the largest scope that anybody gets. `proc_dir` is the folder of a running service's socket, None for
    the usual one; `token_file` that of the tokens, None for the usual one; `hosts` the names, beside those of this
    machine and the one it listens at, by which agents may ask.
    """

    place: Place
    most: Scope = Scope.READ
    rates: Rates = field(default_factory=Rates)
    proc_dir: str | None = None
    token_file: str | None = None
    hosts: tuple[str, ...] = ()


async def serve_on_standard(config: AgentConfig) -> None:
    """Until the input ends. Raises NoStore, ConfigError, StoreError."""
    from .serving import require_sdk
    from .standard import serve_standard

    require_sdk()
    async with answering_for(config) as answering:
        await serve_standard(answering, config.most)


async def serve_on_http(config: AgentConfig, host: str, port: int, told: Callable[[str], None]) -> None:
    """Until SIGINT or SIGTERM; `told` gets the address once it is listened at.

    Raises ConfigError where others could come in without a token, NotAllowed where the port is taken, NoStore,
    StoreError.
    """
    from queuemgr.service.web.serving import listen, url_of

    from .http import PATH, make_asgi

    access = AccessConfig(bound=host, hosts=config.hosts, token_file=find_token_file(config.token_file))
    require_token_or_loopback(host, access)
    async with answering_for(config) as answering:
        application = make_asgi(answering, _gate(access), config.most)
        with listen(host, port) as listening:
            told(f"{url_of(listening, host)}{PATH}")
            await _serve(application, listening)


@asynccontextmanager
async def answering_for(config: AgentConfig) -> AsyncIterator[Answering]:
    """Raises NoStore, ConfigError, StoreError."""
    async with connected(config.place, with_app=config.place.app is not None) as connection:
        token_file = find_token_file(config.token_file)
        desk = Desk(connection.client, connection.app, _socket(config.proc_dir), token_file=token_file)
        try:
            yield Answering(desk, connection.client.clock, config.rates)
        finally:
            await desk.close()


async def _serve(application: Any, listening: socket.socket) -> None:
    import uvicorn

    from queuemgr.service.web.impatient import settings_for

    await uvicorn.Server(settings_for(application)).serve(sockets=[listening])


def _gate(access: AccessConfig) -> Gate:
    try:
        return Gate(access)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _socket(proc_dir: str | None) -> Path:
    from queuemgr.service.daemon.finding import find_service
    from queuemgr.service.host.config import socket_of

    return socket_of(find_service(proc_dir, None, os.environ))
