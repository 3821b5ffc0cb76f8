"""The few statements of a job's life. Each is one function of ours in the database (sql/): one question, one answer,
one transaction. They are asked through libpq itself, because a round trip costs less than psycopg's way to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from queuemgr.errors import StoreError

# name: (its parameters' types, what it answers)
_FUNCTIONS = {
    "put": ("json", "float8", "boolean"),
    "put_one": (
        *("text", "text", "bytea", "text", "integer", "float8", "float8", "float8", "float8", "boolean", "boolean"),
        *("integer", "json", "float8"),
    ),
    "enqueue": ("json", "float8", "boolean"),
    "claim": ("json", "boolean", "float8"),
    "settle": ("json", "json", "json", "boolean"),
    "report": ("json",),
    "join_worker": ("json", "json", "float8"),
    "beat": ("text", "json", "text", "float8", "float8"),
    "roll": ("float8",),
    "bury": ("text", "text", "bigint", "bigint", "float8", "float8"),
    "leave": ("text", "json", "float8", "boolean"),
    "look": ("json", "json", "float8"),
    "attend": ("integer",),
    "ignore": ("integer",),
}
LISTEN = "listen"
NAMES = (*_FUNCTIONS, LISTEN)

Value = str | bytes | float | bool | None


@dataclass(frozen=True, slots=True)
class Question:
    """One of the functions with its values.

    `repeats` says that it may be sent twice without harm; where the second time must be told apart, `again` are its
    values then.
    """

    name: str
    values: tuple[Value, ...]
    repeats: bool = True
    again: tuple[Value, ...] | None = None

    def sent_before(self) -> Question:
        return self if self.again is None else Question(self.name, self.again)

    def parameters(self) -> list[bytes | None]:
        return [_as_text(value) for value in self.values]


@cache
def sql_of(name: str, schema: str, synchronous: str | None) -> str:
    """With `synchronous` the statement itself says how its commit is kept, for connections that keep no settings."""
    if name == LISTEN:
        return f'LISTEN "{schema}"'
    parameters = ", ".join(f"${number}::{kind}" for number, kind in enumerate(_FUNCTIONS[name], 1))
    asked = f'SELECT "{schema}".{name}({parameters})'
    if synchronous is None:
        return asked
    return (
        f"WITH kept AS MATERIALIZED (SELECT set_config('synchronous_commit', '{synchronous}', true)) {asked} FROM kept"
    )


def prepare(sql: dict[str, str]) -> list[str]:
    return [f"PREPARE {name} ({', '.join(kinds)}) AS {sql[name]}" for name, kinds in _FUNCTIONS.items()]


def _as_text(value: Value) -> bytes | None:
    match value:
        case None | bytes():
            return value
        case bool():
            return b"t" if value else b"f"
        case str():
            if "\0" in value:
                # The server would take it for the end.
                raise StoreError(f"{value!r} holds a NUL character, which PostgreSQL cannot keep: take it out")
            return value.encode()
        case _:
            return repr(value).encode()
