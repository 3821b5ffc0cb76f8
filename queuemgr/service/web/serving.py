"""Serves the page on an address of this machine, until it is told to stop. It starts no worker and no service."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING, Protocol

from queuemgr.errors import ConfigError
from queuemgr.service.access.config import require_token_or_loopback
from queuemgr.service.failures import NotAllowed

from .asgi import AsgiSite
from .config import HOST, access_of
from .opening import Opening

if TYPE_CHECKING:
    from collections.abc import Callable

    import uvicorn

    from .asgi import Receive, Scope, Send
    from .config import WebConfig


def serve(
    config: WebConfig,
    told: Callable[[str], None] = lambda url: None,
    make: Callable[[Opening], Application] = AsgiSite,
) -> None:
    """Until SIGINT or SIGTERM. `told` gets the page's address once it answers. `make` makes what answers.

    Raises NotAllowed where the port is taken, ConfigError, NoStore, StoreError.
    """
    host = config.host or HOST
    require_token_or_loopback(host, access_of(config))
    listening = listen(host, config.port)
    try:
        asyncio.run(_serve(config, listening, told, make))
    finally:
        listening.close()


class Application(Protocol):
    """An ASGI application that can be told that the server stops."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def stop(self) -> None:
        """End all streams, which have no end of their own, and soon what takes too long."""


async def _serve(
    config: WebConfig,
    listening: socket.socket,
    told: Callable[[str], None],
    make: Callable[[Opening], Application],
) -> None:
    opening = Opening(config)
    await opening.open()
    server = _server(make(opening), debug=config.debug)
    telling = asyncio.ensure_future(_tell(server, told, url_of(listening, config.host or HOST)))
    try:
        await server.serve(sockets=[listening])
    finally:
        telling.cancel()
        await opening.close()


def listen(host: str, port: int) -> socket.socket:
    """Raises NotAllowed where somebody else listens there, ConfigError for an address that is not of this machine."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, proto)
    except OSError as error:
        raise ConfigError(f"{host!r} is no address of this machine: {error.strerror}") from error
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise _not_listening(host, port, error) from error
    return listening


def is_free(port: int, host: str = HOST) -> bool:
    """At this moment."""
    try:
        listen(host, port).close()
    except (NotAllowed, ConfigError):
        return False
    return True


def url_of(listening: socket.socket, host: str) -> str:
    port = listening.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def _not_listening(host: str, port: int, error: OSError) -> NotAllowed | ConfigError:
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(port)
        return NotAllowed(f"port {port} is taken{holder}", f"stop it, or take another port: --port {port + 1}")
    if error.errno == errno.EACCES:
        return NotAllowed(f"port {port} is only for root", "take a port from 1024 on: --port 5000")
    return ConfigError(f"{host!r} cannot be listened at: {error.strerror}")


def holder_of(port: int) -> str:
    """` by process 12 (python -m http.server)`, or nothing where nobody may know."""
    import psutil

    try:
        held = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
        pid = next((one.pid for one in held if one.laddr and one.laddr.port == port and one.pid), None)
        return f" by process {pid} ({' '.join(psutil.Process(pid).cmdline())[:80]})" if pid else " by another program"
    except psutil.Error:
        return " by another program"


def _server(application: Application, *, debug: bool) -> uvicorn.Server:
    import uvicorn

    from .impatient import settings_for

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # Streams have no end of their own: the server would wait for them.
            application.stop()
            await super().shutdown(sockets)

    return Server(settings_for(application, debug=debug))


async def _tell(server: uvicorn.Server, told: Callable[[str], None], url: str) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    told(url)
