"""A redis-py that has changed within is told in a sentence that names it, and its connection is closed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis
import redis.asyncio.connection as aio
import redis.connection as blocking

from queuemgr.errors import ConfigError
from queuemgr.stores.redis.address import read_address
from queuemgr.stores.redis.connecting import connect, connect_now
from queuemgr.stores.redis.talk import Talk

CONFIG = rf"cannot use redis-py {redis.__version__}, whose connections have no %s: update queuemgr, or install an older"


class NewStreams(aio.Connection):
    ended = False

    async def connect(self, *args: Any, **kwargs: Any) -> None:
        await super().connect(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.stream = self._writer
        del self._writer

    async def disconnect(self, *args: Any, **kwargs: Any) -> None:
        assert self.stream is not None
        self.stream.close()
        type(self).ended = True


class NewSocket(blocking.Connection):
    ended = False
    socket: Any

    def connect(self, *args: Any, **kwargs: Any) -> None:
        super().connect(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.socket, self._sock = self._sock, None

    def disconnect(self, *args: Any) -> None:
        self.socket.close()
        type(self).ended = True


def test_streams_of_another_name_are_told_of(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        await connect(read_address(redis_url), Talk())

    monkeypatch.setattr(aio, "Connection", NewStreams)
    with pytest.raises(ConfigError, match=CONFIG % "_writer"):
        asyncio.run(main())
    assert NewStreams.ended


def test_a_socket_of_another_name_is_told_of(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "Connection", NewSocket)
    with pytest.raises(ConfigError, match=CONFIG % "_sock"):
        connect_now(read_address(redis_url))
    assert NewSocket.ended
