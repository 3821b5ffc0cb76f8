"""Opens what a place names: a client of its store, and its app where tasks are asked for. It decides on no place."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from queuemgr.app import App, load, open_store
from queuemgr.client import AsyncClient
from queuemgr.codec import Codec
from queuemgr.errors import ConfigError

from .failures import NoStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from .places import Place

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Connection:
    """`app` is None unless it was asked for, or the store was known by it alone."""

    client: AsyncClient
    app: App | None

    async def ask(self, function: Callable[..., Awaitable[T]], **arguments: Any) -> T:
        """What the function of an operation that changes something answers; it is written into the audit list.

        Raises what the function raises.
        """
        from .access.terminal import asked

        return await asked(self.client, self.app, function, arguments)


@asynccontextmanager
async def connected(place: Place, *, with_app: bool = False, create: bool = False) -> AsyncIterator[Connection]:
    """A client that is closed in the end. Without `create` a store that is not there is not made.

    Raises NoStore, ConfigError and StoreError.
    """
    app = None
    if place.app and (with_app or place.url is None):
        # Beside the event loop, so that a module may say `app.client.limit(...)` as it is imported.
        app = await asyncio.to_thread(load_app, place.app)
    if place.url is not None:
        codec = app.codec if app else Codec()
        client = AsyncClient(partial(open_store, place.url), codec)
    else:
        assert app is not None
        client = app.aio
    path: Path | None = getattr(client.store, "path", None)
    if not create and path is not None and not path.exists():
        raise NoStore(
            f"there is no store at {path}", "check the path; the first worker or the first enqueued job creates it"
        )
    try:
        await client.store.open()
        yield Connection(client, app)
    finally:
        await client.store.close()


def load_app(path: str) -> App:
    """The app at `module:variable`. Raises ConfigError, also where its module cannot be imported."""
    try:
        return load(path)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"the app {path} cannot be imported: {_where(error)}") from error


def _where(error: Exception) -> str:
    """The error and the last line of code that it went through."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    if isinstance(error, SyntaxError):
        place = f" ({error.filename}, line {error.lineno})"
        return f"SyntaxError: {error.msg}{place}"
    return f"{type(error).__name__}: {error}{place}"
