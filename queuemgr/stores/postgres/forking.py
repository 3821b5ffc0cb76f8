"""Keeps a forked child off its parent's connections. The parent's go on as if nothing had happened."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    def begin_afresh(self) -> None:
        """In the child: forget everything that belongs to the parent, and tell the server nothing."""


def watch(one: Forkable) -> None:
    """From now on it is told in every forked child, as long as somebody else keeps it."""
    _watched.add(one)


def leave_behind(connection: object, socket: int) -> None:
    """Close our copy of its socket, and never let it be closed as a connection: that would end the parent's."""
    _left_behind.append(connection)
    with suppress(OSError):
        os.close(socket)


def _after_in_child() -> None:
    for one in list(_watched):
        one.begin_afresh()


_watched: WeakSet[Forkable] = WeakSet()
_left_behind: list[object] = []
os.register_at_fork(after_in_child=_after_in_child)
