"""One connection that a thread uses while it waits for the answer. It tries nothing twice; who calls decides that."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from .connecting import connect_now

if TYPE_CHECKING:
    from .address import Address


class Wire:
    """Opened when it is made. After any error but a refusal by the server it is of no use any more."""

    def __init__(self, address: Address) -> None:
        self.name = secrets.token_hex(8).encode()
        self._connection: Any = connect_now(address)

    def call(self, *words: bytes) -> Any:
        """The answer. Raises RedisError; after a time-out or a loss the command may have been carried out."""
        self._connection.send_packed_command(self._connection.pack_command(*words), check_health=False)
        return self._connection.read_response(disable_decoding=True)

    def close(self) -> None:
        self._connection.disconnect()
