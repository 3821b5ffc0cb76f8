"""One connection that a thread uses while it waits for the answer. It tries nothing twice; who calls decides that."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as Lost
from redis.exceptions import ResponseError

from .answers import NOT_YET, READ_AT_MOST, new_reader, packed
from .connecting import connect_now

if TYPE_CHECKING:
    import socket

    from .address import Address


class Wire:
    """Opened when it is made. After any error but a refusal by the server it is of no use any more."""

    def __init__(self, address: Address) -> None:
        self.name = secrets.token_hex(8).encode()
        self._connection: Any = connect_now(address)
        # Past the layers of redis-py, which take longer than the server.
        self._socket: socket.socket = self._connection._sock
        self._reader = new_reader()

    def call(self, *words: bytes) -> Any:
        """The answer. Raises RedisError, OSError; after a time-out or a loss the command may have been carried out."""
        self._socket.sendall(packed(words))
        while (answer := self._reader.gets()) is NOT_YET:
            data = self._socket.recv(READ_AT_MOST)
            if not data:
                raise Lost("the connection was closed")
            self._reader.feed(data)
        if isinstance(answer, ResponseError):
            raise answer
        return answer

    def close(self) -> None:
        self._connection.disconnect()
