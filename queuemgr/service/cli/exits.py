"""Exit codes after errors. Programs rely on them: a number is never given another meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

OK, FAILED, USAGE, NOT_FOUND, REFUSED, NO_STORE = range(6)
TIMED_OUT, INTERRUPTED, PIPE_CLOSED = 124, 130, 141

MEANINGS = {
    OK: "done",
    FAILED: "something failed, for example the job that was waited for",
    USAGE: "the command was not understood, or it needs --yes",
    NOT_FOUND: "there is no such job, queue, schedule or task",
    REFUSED: "what is there does not allow it, for example a unique key is taken",
    NO_STORE: "the store or the service is not there or cannot be used",
    TIMED_OUT: "the time for waiting is over",
    INTERRUPTED: "interrupted",
    PIPE_CLOSED: "whoever read the output stopped reading",
}

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())


def code_of(error: BaseException) -> int:
    """1 for errors that have no number of their own."""
    return next((code for name, code in _named(error) if name in _CODES), FAILED)


def _named(error: BaseException) -> Iterator[tuple[str, int]]:
    # By name, nearest class first: importing the classes would make every start slower.
    for kind in type(error).__mro__:
        yield kind.__name__, _CODES.get(kind.__name__, FAILED)


_CODES = {
    "UsageError": USAGE,
    "Misused": USAGE,
    "ConfigError": USAGE,
    "BadArguments": USAGE,
    "EncodingError": USAGE,
    "NotFound": NOT_FOUND,
    "JobNotFound": NOT_FOUND,
    "UnknownTask": NOT_FOUND,
    "NotAllowed": REFUSED,
    "JobExists": REFUSED,
    "Unsupported": REFUSED,
    "NoStore": NO_STORE,
    "StoreError": NO_STORE,
    "ServiceError": NO_STORE,
    "AlreadyRunning": REFUSED,
    "InvalidJobStateError": REFUSED,
    "ValidationError": USAGE,
    "ResultTimeout": TIMED_OUT,
    "OperationTimeout": TIMED_OUT,
}
