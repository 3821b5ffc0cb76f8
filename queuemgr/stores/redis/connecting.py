"""Makes connections to the server that takes our writes, for threads and for event loops. It sends no job anywhere."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, TypeVar

import redis.asyncio.connection as aio
import redis.connection as blocking
from redis import __version__

from queuemgr.errors import ConfigError

from .finding import search
from .talk import Talk

if TYPE_CHECKING:
    from .address import Address
    from .finding import Question, Search

CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 20.0
"""Seconds after which a server that does not answer is given up; the longest of our scripts takes less than one."""

# Seconds, the last one milliseconds. A machine or a network that is gone says no goodbye; who only listens would never
# know, and hear of no work any more.
_ALIVE = {
    getattr(socket, name): value
    for name, value in {
        "TCP_KEEPIDLE": 10,
        "TCP_KEEPINTVL": 5,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": 1000 * int(ANSWER_TIMEOUT),
    }.items()
    if hasattr(socket, name)
}

T = TypeVar("T", bound=Talk)

_COMMON: dict[str, Any] = {"socket_connect_timeout": CONNECT_TIMEOUT, "client_name": "queuemgr", "protocol": 2}


async def connect(address: Address, talk: T) -> T:
    """`talk` with a connection of the event loop that runs.

    Raises RedisError, OSError, StoreUnavailable, and ConfigError for a redis-py that works in another way.
    """
    host, port = await _search(address, search(address))
    connection = _make(aio, address, host, port, address.settings, socket_timeout=None)
    try:
        await connection.connect()
        _require(connection, "_reader", "_writer")
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    # redis-py has found the server and greeted it; with every further step of it jobs would wait longer.
    writer, connection._reader, connection._writer = connection._writer, None, None
    # A StreamWriter closes its connection when nobody holds it any more.
    await talk.begin(writer.transport, kept=writer)
    return talk


def connect_now(address: Address) -> Any:
    """A connection of redis-py for a thread, whose `_sock` is there. Raises what `connect` does."""
    host, port = _search_now(address, search(address))
    connection = _make(blocking, address, host, port, address.settings, socket_timeout=ANSWER_TIMEOUT)
    try:
        connection.connect()
        _require(connection, "_sock")
    except BaseException:
        connection.disconnect()
        raise
    return connection


def _require(connection: Any, *parts: str) -> None:
    """Raises ConfigError where redis-py has other names for what is taken out of its connections."""
    missing = [part for part in parts if getattr(connection, part, None) is None]
    if missing:
        raise ConfigError(
            f"this queuemgr cannot use redis-py {__version__}, whose connections have no {' and no '.join(missing)}: "
            "update queuemgr, or install an older redis-py"
        )


async def _search(address: Address, asking: Search) -> tuple[str, int]:
    try:
        question = next(asking)
        while True:
            try:
                answer = await _ask(address, question)
            except Exception as error:
                question = asking.throw(error)
            else:
                question = asking.send(answer)
    except StopIteration as found:
        return found.value  # type: ignore[no-any-return]


async def _ask(address: Address, question: Question) -> Any:
    connection = _make(aio, address, *_of(question), socket_timeout=CONNECT_TIMEOUT)
    try:
        await connection.connect()
        await connection.send_command(*question.command)
        return await connection.read_response(disable_decoding=True)
    finally:
        await connection.disconnect(nowait=True)


def _search_now(address: Address, asking: Search) -> tuple[str, int]:
    try:
        question = next(asking)
        while True:
            try:
                answer = _ask_now(address, question)
            except Exception as error:
                question = asking.throw(error)
            else:
                question = asking.send(answer)
    except StopIteration as found:
        return found.value  # type: ignore[no-any-return]


def _ask_now(address: Address, question: Question) -> Any:
    connection = _make(blocking, address, *_of(question), socket_timeout=CONNECT_TIMEOUT)
    try:
        connection.connect()
        connection.send_command(*question.command)
        return connection.read_response(disable_decoding=True)
    finally:
        connection.disconnect()


def _of(question: Question) -> tuple[str, int, dict[str, Any]]:
    return question.host, question.port, question.settings


def _make(kind: Any, address: Address, host: str, port: int, settings: dict[str, Any], **more: Any) -> Any:
    chosen = {**_COMMON, **settings, **more}
    if address.path:
        return kind.UnixDomainSocketConnection(path=address.path, **chosen)
    chosen |= {"socket_keepalive": True, "socket_keepalive_options": _ALIVE}
    if address.tls:
        # Said aloud: before version 6, redis-py takes a certificate of any name.
        chosen.setdefault("ssl_check_hostname", chosen.get("ssl_cert_reqs") != "none")
        return kind.SSLConnection(host=host, port=port, **chosen)
    chosen = {name: value for name, value in chosen.items() if not name.startswith("ssl_")}
    return kind.Connection(host=host, port=port, **chosen)
