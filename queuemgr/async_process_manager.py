"""AsyncProcessManager: an AsyncQueueSystem that is set up by one object."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from .async_simple_api import AsyncQueueSystem
from .process_manager import ProcessManagerConfig
from .simple_api import REGISTRY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class AsyncProcessManager(AsyncQueueSystem):
    """As AsyncQueueSystem."""

    def __init__(self, config: ProcessManagerConfig | None = None) -> None:
        self.config = config or ProcessManagerConfig()
        self._set_up(self.config.settings())


@asynccontextmanager
async def async_queue_system(
    registry_path: str = REGISTRY, shutdown_timeout: float = 30.0, command_timeout: float = 30.0
) -> AsyncIterator[AsyncQueueSystem]:
    """Start a system, stop it at the end of the block."""
    async with AsyncQueueSystem(registry_path, shutdown_timeout, command_timeout=command_timeout) as system:
        yield system
