"""Gives PostgreSQL's errors the names and words of this package, and says after which another try is safe.

It tries nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from queuemgr.errors import CorruptStore, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from queuemgr.errors import QueuemgrError

# (the beginning of an SQLSTATE, our error, our words)
_KNOWN: tuple[tuple[str, type[QueuemgrError], str], ...] = (
    ("28", StoreError, "lets nobody in with this user and password: check them in the address, and pg_hba.conf"),
    ("3D000", StoreError, "has no such database: create it with `createdb`, or correct the name in the address"),
    ("42501", StoreError, "does not allow this to this user: see the rights that docs/postgresql.md asks for"),
    ("3F000", StoreError, "has lost its schema: open the store again to create it"),
    ("42P01", StoreError, "has lost a table of ours: restore it, or drop the schema and open the store again"),
    ("42883", StoreError, "lacks a function of ours: run `queuemgr store migrate` with this version of queuemgr"),
    ("53100", StoreUnavailable, "cannot grow, its disk is full: free some space; nothing of this call was kept"),
    ("53300", StoreUnavailable, "takes no more connections: raise max_connections, or use a pooler"),
    ("53", StoreUnavailable, "is short of resources"),
    ("25006", StoreUnavailable, "is read-only, a standby perhaps: add target_session_attrs=read-write and all hosts"),
    ("40", StoreUnavailable, "undid this to let others pass: try again"),
    ("55P03", StoreUnavailable, "could not get a lock in time: end the program that holds a transaction"),
    ("57014", StoreUnavailable, "was told to stop this (statement_timeout, or an administrator): try again"),
    ("57P", StoreUnavailable, "is shutting down, starting, or has ended this connection: try again"),
    ("58", StoreUnavailable, "cannot read or write its files: look into its log"),
    ("08", StoreUnavailable, "cannot be reached"),
    ("XX001", CorruptStore, "finds its tables damaged: restore them from a backup"),
    ("XX002", CorruptStore, "finds an index damaged: REINDEX it"),
    ("22P05", StoreError, "cannot keep a text that holds a NUL character: take it out of names, keys and options"),
    ("22021", StoreError, "cannot keep a text that holds a NUL character: take it out of names, keys and options"),
)

_OTHERS = ("40", "55P03")
_OUTSIDE = ("57P03", "53300", "25006")


class Refused(Exception):
    """The server's own error, as it came: `state` is its SQLSTATE, or empty where the connection broke."""

    def __init__(self, state: str, said: str) -> None:
        self.state = state
        self.said = said
        super().__init__(said)

    @property
    def lost(self) -> bool:
        """The connection is gone, and nobody knows whether the transaction was committed."""
        return not self.state or self.state.startswith(("57P", "08"))

    @property
    def undone(self) -> bool:
        """The server has undone the transaction and said so: it can be sent again, whatever it was."""
        return self.state.startswith((*_OTHERS, *_OUTSIDE))

    @property
    def outside(self) -> bool:
        """We were not let in, or the server is not what it should be."""
        return self.lost or self.state.startswith(_OUTSIDE)


def refusal_of(error: psycopg.Error) -> Refused:
    return Refused(error.sqlstate or _guess(str(error)), str(error).strip())


def named(refused: Refused, shown: str) -> QueuemgrError:
    """The same as an error of ours that says what to do."""
    for state, kind, words in _KNOWN:
        if refused.state.startswith(state):
            return kind(f"{shown} {words} (it says: {_first_line(refused.said)})")
    if not refused.state:
        return StoreUnavailable(f"{shown} cannot be reached: {_first_line(refused.said) or 'the connection was lost'}")
    return StoreError(f"{shown}: PostgreSQL says: {_first_line(refused.said)} ({refused.state})")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].removeprefix("ERROR:").removeprefix("FATAL:").strip()


def _guess(said: str) -> str:
    """libpq tells no SQLSTATE of a connection that was refused at the door."""
    for words, state in (
        ("authentication failed", "28P01"),
        ("no password supplied", "28P01"),
        ("no pg_hba.conf entry", "28000"),
        ('role "', "28000"),
        ("too many clients", "53300"),
        ("too many connections", "53300"),
        ("remaining connection slots", "53300"),
        ("session is read-only", "25006"),
        ("server is in hot standby", "25006"),
        ("starting up", "57P03"),
        ("shutting down", "57P03"),
    ):
        if words in said:
            return state
    return "3D000" if 'database "' in said and "does not exist" in said else ""
