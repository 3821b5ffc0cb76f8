"""The connections that this process gave up while a question was on them, until the server has heard of it.

Such a question may reach the server yet, though it was asked again: see `lua/fence.lua`. It closes no connection.
"""

from __future__ import annotations


class GivenUp:
    """Their names. It may be used by many threads."""

    def __init__(self) -> None:
        self._names: dict[bytes, None] = {}

    def add(self, name: bytes) -> None:
        self._names[name] = None

    def to_tell(self) -> tuple[bytes, ...]:
        return tuple(self._names)

    def told(self, names: tuple[bytes, ...]) -> None:
        """The server has heard of these."""
        for name in names:
            self._names.pop(name, None)
