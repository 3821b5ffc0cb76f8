"""What can go wrong when something is asked for from outside. It knows no exit codes and no HTTP."""

from __future__ import annotations

from math import ceil

from queuemgr.errors import QueuemgrError, ValidationError


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


class CutOff(Refusal):
    """A change was not carried to its end, or nobody knows whether it was. What is changed stays changed."""


class Unauthorized(Refusal):
    """It is not known who asks, and that is needed."""

    headers = (("www-authenticate", 'Bearer realm="queuemgr"'),)


class Forbidden(NotAllowed):
    """Whoever asks may not do this, or not from there."""


class TooManyAttempts(Refusal):
    """Asked too often. `retry_after` are the seconds after which it is worth another try."""

    def __init__(self, message: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(message, f"try again in {ceil(retry_after)} s")

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        return (("retry-after", str(max(1, ceil(self.retry_after)))),)


def message_of(error: BaseException) -> str:
    """What happened."""
    match error:
        case ValidationError(reason=str(reason)):  # its own text is made for programs
            return reason
    return str(error)


def hint_of(error: BaseException) -> str:
    """The next step after an error whose own words do not name a command."""
    match type(error).__name__:
        case "JobNotFound":
            return "queuemgr jobs list"
        case "UnknownTask":
            return "queuemgr tasks list"
        case "InvalidJobStateError":
            return f"queuemgr job status {getattr(error, 'job_id', 'ID')}"
        case "JobExists":
            taken = getattr(error, "job_id", "ID")
            return f"queuemgr jobs wait {taken}\nor give --on-conflict existing, or --on-conflict replace"
    return str(getattr(error, "hint", ""))
