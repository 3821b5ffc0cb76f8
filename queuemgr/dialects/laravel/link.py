"""The connections to Redis: scripts by name, one client for each event loop, errors in our words. It knows no job."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, finalize

from queuemgr.errors import ForeignStore, StoreError, StoreUnavailable

from .sources import redis_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .sources import Source

TAG = re.compile(r"\{[^}]+\}")
NO_CLUSTER = (
    "this Redis is a node of a cluster, which spreads Laravel's queues over its nodes, and they are not used from here:"
    " take a Redis of its own for the queues that Laravel and Python share, or a prefix with a part in braces,"
    " which keeps all keys on one node, and name that node"
)
Run = tuple[str, Sequence[str], Sequence[Any]]
"""The name of a script, its keys and its arguments."""


class Link:
    """`run` and `runs` for asynchronous callers, `run_now` for synchronous ones."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    @property
    def client(self) -> Any:
        """The client of the running event loop. Its answers are bytes."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self._source.asynchronous()
        return self._clients[loop]

    async def meet(self, prefix: str) -> None:
        """The first words with the server. Raises StoreError where it is a node of a cluster that parts our keys."""
        refused = redis_module("redis.exceptions").ResponseError
        with translated():
            try:
                told = await self.client.info("cluster")
            except refused:
                # Not everybody may ask that; what is wrong then comes out with the first job.
                await self.client.ping()
                return
        if told.get("cluster_enabled") and not TAG.search(prefix):
            await self.close()
            raise StoreError(NO_CLUSTER)

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        if (client := self._clients.pop(loop, None)) is not None:
            await client.aclose()
            await _rest_sentinels(client)
        if "_direct" in self.__dict__:
            _close(self.__dict__.pop("_direct"))

    async def rest(self) -> None:
        """Close the connections of this event loop that nobody uses now. The next call opens one."""
        if (client := self._clients.get(asyncio.get_running_loop())) is not None:
            await client.connection_pool.disconnect(inuse_connections=False)
            await _rest_sentinels(client)

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        return (await self.runs([(script, keys, arguments)]))[0]

    async def runs(self, runs: Sequence[Run]) -> list[Any]:
        """All of them in one transaction; they are the same script, so that all are known to the server or none."""
        if not runs:
            return []
        answers: list[Any]
        with translated():
            try:
                answers = await self._piped(runs)
            except _no_script():
                await self.client.script_load(text_of(runs[0][0]))
                answers = await self._piped(runs)
        return answers

    async def _piped(self, runs: Sequence[Run]) -> list[Any]:
        if len(runs) == 1:
            return [await self.client.evalsha(*_evalsha(runs[0]))]
        async with self.client.pipeline(transaction=True) as pipe:
            for run in runs:
                pipe.evalsha(*_evalsha(run))
            answers: list[Any] = await pipe.execute()
            return answers

    def run_now(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        with translated():
            try:
                return self._direct.evalsha(*_evalsha((script, keys, arguments)))
            except _no_script():
                self._direct.script_load(text_of(script))
                return self._direct.evalsha(*_evalsha((script, keys, arguments)))

    @cached_property
    def _direct(self) -> Any:
        client = self._source.synchronous()
        # Synchronous code drops its queue and closes nothing.
        finalize(self, _close, client)
        return client


async def _rest_sentinels(client: Any) -> None:
    """Close the connections to those who know where the master is. The next question opens one."""
    for sentinel in _sentinels_of(client):
        await sentinel.connection_pool.disconnect()


def _close(client: Any) -> None:
    client.close()
    for sentinel in _sentinels_of(client):
        sentinel.close()


def _sentinels_of(client: Any) -> Sequence[Any]:
    manager = getattr(client.connection_pool, "sentinel_manager", None)
    return () if manager is None else manager.sentinels


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the client in our words."""
    errors = redis_module("redis.exceptions")
    try:
        yield
    except errors.NoScriptError:
        raise
    except (errors.ConnectionError, errors.TimeoutError, errors.ClusterDownError, OSError) as error:
        said = str(error).rstrip(".")
        raise StoreUnavailable(
            f"Redis cannot be reached ({said}): is the server running, and the address right? Then try again"
        ) from error
    except (errors.MovedError, errors.AskError, errors.ClusterCrossSlotError) as error:
        raise StoreError(f"{NO_CLUSTER} (Redis says: {error})") from error
    except errors.ResponseError as error:
        raise _refused(str(error)) from error
    except errors.RedisError as error:
        raise StoreError(f"Redis: {error}") from error


@cache
def text_of(script: str) -> str:
    return (Path(__file__).parent / "scripts" / f"{script}.lua").read_text()


def _refused(message: str) -> StoreError:
    if "WRONGTYPE" in message:
        return ForeignStore(f"a key of the queue is something else: {message}; look at `prefix` in the store's URL")
    if message.startswith(("OOM", "READONLY", "MISCONF", "LOADING", "BUSY", "MASTERDOWN", "NOREPLICAS")):
        return StoreUnavailable(f"Redis refuses for now: {message}")
    return StoreError(f"Redis refuses: {message}")


@cache
def _sha(script: str) -> str:
    return sha1(text_of(script).encode(), usedforsecurity=False).hexdigest()


def _evalsha(run: Run) -> tuple[Any, ...]:
    script, keys, arguments = run
    return (_sha(script), len(keys), *keys, *arguments)


def _no_script() -> type[Exception]:
    error: type[Exception] = redis_module("redis.exceptions").NoScriptError
    return error
