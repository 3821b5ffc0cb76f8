"""Opens what the page needs, once, in the event loop in which it is first asked for. It serves nothing."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr.errors import ConfigError, did_you_mean
from queuemgr.service.access.gate import Gate
from queuemgr.service.connecting import connected
from queuemgr.service.desk import Desk
from queuemgr.service.observe.sampler import observing
from queuemgr.service.operations.operation import Scope
from queuemgr.service.places import find_place

from .config import access_of
from .core import Site

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from queuemgr.service.agents.http import Agents

    from .config import WebConfig


class Opening:
    """A site and what it stands on."""

    def __init__(self, config: WebConfig) -> None:
        self.config = config
        self._stack = AsyncExitStack()
        self._site: Site | None = None
        self._agents: Agents | None = None
        self._lock = asyncio.Lock()

    @property
    def site(self) -> Site | None:
        """None where it is not open."""
        return self._site

    @property
    def agents(self) -> Agents | None:
        """None where no agents are answered."""
        return self._agents

    async def open(self) -> Site:
        """Raises NoStore, ConfigError, StoreError."""
        if self._site is None:
            async with self._lock:
                if self._site is None:
                    self._site = await self._opened()
        return self._site

    async def close(self) -> None:
        if self._site is not None:
            self._site.hub.close()
            await self._site.desk.close()
            self._site = None
        await self._stack.aclose()

    async def _opened(self) -> Site:
        place = self.config.place or find_place(None, None, os.environ, Path.cwd())
        connection = await self._stack.enter_async_context(
            connected(place, with_app=place.app is not None, create=True)
        )
        await self._stack.enter_async_context(observing(connection.client))
        access = access_of(self.config)
        client, app = connection.client, connection.app
        desk = Desk(client, app, self._socket(), read_only=self.config.read_only, token_file=access.token_file)
        try:
            site = Site(desk, Gate(access))
        except ValueError as error:
            raise ConfigError(str(error)) from error
        if self.config.mcp is not None:
            self._agents = await self._stack.enter_async_context(_agents(site, self.config.mcp))
        return site

    def _socket(self) -> Path:
        from queuemgr.service.daemon.finding import find_service
        from queuemgr.service.host.config import socket_of

        return socket_of(find_service(self.config.proc_dir, self.config.config, os.environ))


def _agents(site: Site, most: str) -> AbstractAsyncContextManager[Agents]:
    """Raises ConfigError without the SDK, and where there is no such scope."""
    from queuemgr.service.agents.answering import Answering
    from queuemgr.service.agents.http import make_asgi, running

    words = {scope.name.lower(): scope for scope in Scope}
    if most not in words:
        raise ConfigError(f"mcp is the scope of agents, and {most!r} is none: {did_you_mean(most, words)}")
    return running(make_asgi(Answering(site.desk, site.desk.client.clock), site.gate, words[most]))
