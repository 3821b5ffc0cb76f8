"""Where the connections to Redis come from: the URL of a store, or a client that the caller has already made.

A borrowed client is never used itself: how it decodes answers and how long it waits are its owner's business.
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol
from urllib.parse import quote

from queuemgr.errors import ConfigError

TIMEOUT = 10.0
PLAIN = ("host", "port", "db", "username", "password", "path")
CARRIED = (*PLAIN, "credential_provider", "client_name", "socket_keepalive", "socket_keepalive_options")
KINDS = ("UnixDomainSocketConnection", "SSLConnection", "Connection")


class Source(Protocol):
    def asynchronous(self) -> Any:
        """A new client for the running event loop. Its answers are bytes."""

    def synchronous(self) -> Any:
        """The same for code without an event loop."""


class FromUrl:
    """`url` is the server's own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def asynchronous(self) -> Any:
        return _quick(redis_module("redis.asyncio").Redis.from_url(self._url, **_options("redis.asyncio.retry")))

    def synchronous(self) -> Any:
        return redis_module("redis").Redis.from_url(self._url, **_options("redis.retry"))


class FromClient:
    """Of a client of redis-py, synchronous or not; a sentinel's leads to the master. Raises ConfigError for others.

    The connections are made anew, to where the client's own lead.
    """

    def __init__(self, client: Any) -> None:
        pool = getattr(client, "connection_pool", None)
        given = getattr(pool, "connection_kwargs", None)
        names = [base.__name__ for base in getattr(getattr(pool, "connection_class", None), "__mro__", ())]
        self._kind = next((kind for kind in KINDS if kind in names), "")
        self._sentinel = _sentinel_of(pool) if any("Sentinel" in name for name in names) else None
        if not isinstance(given, dict) or not self._kind:
            raise ConfigError(
                f"a {type(client).__module__}.{type(client).__name__} is no client of one Redis server: "
                "pass a redis.Redis or a redis.asyncio.Redis"
            )
        carried = {name: value for name, value in given.items() if name in CARRIED or name.startswith("ssl_")}
        self._given = {name: value for name, value in carried.items() if value is not None}
        if self._sentinel is not None:
            # Where the master is now, is the sentinel's to say.
            self._given = {name: value for name, value in self._given.items() if name not in ("host", "port")}

    @property
    def url(self) -> str | None:
        """What comes behind `scheme://` of a URL that leads there; None where no URL can."""
        told = self._given
        secret = {name for name in told if name.startswith("ssl_")} | {"credential_provider"}
        if self._kind != "Connection" or secret & told.keys() or self._sentinel is not None:
            return None
        password = quote(str(told["password"]), safe="") if "password" in told else None
        user = quote(str(told.get("username", "")), safe="")
        login = "" if password is None else f"{user}:{password}@"
        host = str(told.get("host", "localhost"))
        host = f"[{host}]" if ":" in host else host
        return f"{login}{host}:{told.get('port', 6379)}/{told.get('db', 0)}"

    def asynchronous(self) -> Any:
        return _quick(self._made("redis.asyncio"))

    def synchronous(self) -> Any:
        return self._made("redis")

    def _made(self, package: str) -> Any:
        module, more = redis_module(package), {**self._given, **_options(f"{package}.retry")}
        if self._sentinel is not None:
            tls = {"ssl": True} if self._kind == "SSLConnection" else {}
            sentinel = redis_module(f"{package}.sentinel").Sentinel(
                self._sentinel.places, sentinel_kwargs=self._sentinel.options
            )
            return sentinel.master_for(self._sentinel.service, **more, **tls)
        kind = getattr(redis_module(f"{package}.connection"), self._kind)
        pool = module.ConnectionPool(connection_class=kind, **more)
        return module.Redis.from_pool(pool)


@dataclass(frozen=True, slots=True)
class Sentinel:
    """Where the sentinels are, how they are spoken to, and the name of the master that they watch."""

    service: str
    places: list[tuple[str, int]]
    options: dict[str, Any]


def _sentinel_of(pool: Any) -> Sentinel:
    if not pool.is_master:
        raise ConfigError("this client leads to replicas, which take no jobs: pass what Sentinel.master_for returns")
    manager = pool.sentinel_manager
    told = [one.connection_pool.connection_kwargs for one in manager.sentinels]
    places = [(str(one["host"]), int(one["port"])) for one in told]
    return Sentinel(pool.service_name, places, dict(manager.sentinel_kwargs))


@cache
def redis_module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError("Laravel's queues need the package redis: pip install 'queuemgr[laravel]'") from error


def _quick(client: Any) -> Any:
    """The same client, whose new connections write long commands faster, as redis-py's synchronous ones do."""
    pool = client.connection_pool
    pool.connection_class = _packing(pool.connection_class)
    return client


@cache
def _packing(kind: Any) -> Any:
    try:
        from hiredis import pack_command
    except ImportError:
        return kind

    class Packing(kind):  # type: ignore[misc]
        def pack_command(self, *args: Any) -> list[bytes]:
            if isinstance(args[0], str) and " " not in args[0]:
                with suppress(TypeError):
                    return [pack_command(args)]
            packed: list[bytes] = super().pack_command(*args)
            return packed

    return Packing


def _options(retry: str) -> dict[str, Any]:
    # A call that was lost on its way back must not be made twice behind our back.
    never = redis_module(retry).Retry(redis_module("redis.backoff").NoBackoff(), 0)
    return {"retry": never, "socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "protocol": 2}
