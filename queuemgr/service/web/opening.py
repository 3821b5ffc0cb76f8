"""Opens what the page needs, once, in the event loop in which it is first asked for. It serves nothing."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr.errors import ConfigError
from queuemgr.service.access.gate import Gate
from queuemgr.service.connecting import connected
from queuemgr.service.desk import Desk
from queuemgr.service.observe.sampler import observing
from queuemgr.service.places import find_place

from .config import access_of
from .core import Site

if TYPE_CHECKING:
    from .config import WebConfig


class Opening:
    """A site and what it stands on."""

    def __init__(self, config: WebConfig) -> None:
        self.config = config
        self._stack = AsyncExitStack()
        self._site: Site | None = None
        self._lock = asyncio.Lock()

    @property
    def site(self) -> Site | None:
        """None where it is not open."""
        return self._site

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
        desk = Desk(connection.client, connection.app, self._socket(), read_only=self.config.read_only)
        try:
            return Site(desk, Gate(access_of(self.config)))
        except ValueError as error:
            raise ConfigError(str(error)) from error

    def _socket(self) -> Path:
        from queuemgr.service.daemon.finding import find_service
        from queuemgr.service.host.config import socket_of

        return socket_of(find_service(self.config.proc_dir, self.config.config, os.environ))
