"""A value that a task may see and nobody else: lists, logs and pages show dots in its place. It encrypts nothing."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

DOTS = "•••"


class Secret(Generic[T]):
    """Wraps an argument or a part of one; the task unwraps it by `reveal()`.

    @app.task
    def charge(card: Secret[str]) -> None:
        pay(card.reveal())

    charge.enqueue(Secret("4111 1111"))
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({DOTS})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))
