"""What can go wrong when something is asked for from outside. It knows no exit codes and no HTTP."""

from __future__ import annotations

from queuemgr.errors import QueuemgrError


class Refusal(QueuemgrError):
    """`hint` is the next step, as a sentence or a command."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


class NotFound(Refusal):
    """There is no queue, schedule or task of that name."""


class NotAllowed(Refusal):
    """What is there does not allow it."""


class Misused(Refusal):
    """The request itself makes no sense."""


class NoStore(Refusal):
    """It is not known which store is meant, or it is not there."""
