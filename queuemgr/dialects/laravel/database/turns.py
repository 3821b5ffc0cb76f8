"""What became of a transaction whose end was not heard, where the server cannot tell: each leaves its number.

Every connection has one row, which its transaction changes first; whoever can lock it knows that the transaction has
ended. It holds no job.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .connecting import Row

TURNS = "queuemgr_turns"
TABLE = (
    f"CREATE TABLE {TURNS} (name VARCHAR(64) PRIMARY KEY, turn BIGINT NOT NULL, at BIGINT NOT NULL, INDEX (at))"
    " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
)
NEXT = f"INSERT INTO {TURNS} (name, turn, at) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE turn = ?, at = ?"
KEPT = 86_400
NO_TABLE, NO_RIGHTS = 1146, (1044, 1142, 1227)


class Server(Protocol):
    def execute(self, connection: Any, sql: str, values: Sequence[Any]) -> tuple[list[Row], int]: ...

    def make(self, connection: Any, wanted: set[str], statements: Iterable[str]) -> None: ...


class Turns:
    """Of one connection. Where the user may not make a table, its transactions have no names."""

    def __init__(self) -> None:
        self._name = uuid4().hex
        self._turn = 0
        self._can = True

    def begin(self, server: Server, connection: Any) -> str | None:
        """Begin a transaction that changes something; its name."""
        if not self._can:
            return None
        self._turn += 1
        try:
            self._next(server, connection)
        except Exception as error:
            if not error.args or error.args[0] not in NO_RIGHTS:
                raise
            self._can = False
            return None
        return f"{self._name}:{self._turn}"

    @staticmethod
    def was_committed(server: Server, connection: Any, name: str) -> bool:
        """Waits until it has ended."""
        row, _, turn = name.partition(":")
        found, _ = server.execute(connection, f"SELECT turn FROM {TURNS} WHERE name = ? FOR UPDATE", (row,))
        server.execute(connection, "ROLLBACK", ())
        return bool(found) and int(found[0][0]) == int(turn)

    def _next(self, server: Server, connection: Any) -> None:
        now = int(time.time())
        values = (self._name, self._turn, now, self._turn, now)
        try:
            if self._turn == 1:
                self._forget_others(server, connection, now)
            server.execute(connection, NEXT, values)
        except Exception as error:
            if not error.args or error.args[0] != NO_TABLE:
                raise
            server.make(connection, {TURNS}, [TABLE])
            server.execute(connection, NEXT, values)

    @staticmethod
    def _forget_others(server: Server, connection: Any, now: int) -> None:
        """Those of connections that have been silent for a day."""
        old, _ = server.execute(connection, f"SELECT name FROM {TURNS} WHERE at < ? LIMIT 100", (now - KEPT,))
        for (name,) in old:
            server.execute(connection, f"DELETE FROM {TURNS} WHERE name = ? AND at < ?", (name, now - KEPT))
