"""Carries open databases through a fork of their process. What that takes, each of them knows itself."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable


class Forkable(Protocol):
    def hold_still(self) -> None: ...

    def go_on(self) -> None: ...

    def begin_afresh(self) -> None: ...


def watch(one: Forkable) -> None:
    """From now on it is told of every fork of this process, as long as somebody else keeps it."""
    _watched.add(one)


def _before() -> None:
    _held_still.extend(_watched)
    for one in _held_still:
        one.hold_still()


def _after(step: Callable[[Forkable], None]) -> None:
    for one in _held_still:
        step(one)
    _held_still.clear()


_watched: WeakSet[Forkable] = WeakSet()
_held_still: list[Forkable] = []

os.register_at_fork(
    before=_before,
    after_in_parent=partial(_after, lambda one: one.go_on()),
    after_in_child=partial(_after, lambda one: one.begin_afresh()),
)
