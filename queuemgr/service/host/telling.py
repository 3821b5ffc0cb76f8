"""Errors on their way over the socket: to plain data, and back to an error of the same class. It raises none itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr import errors
from queuemgr.errors import QueuemgrError, ServiceError
from queuemgr.service import failures

from .wire import Told

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN = (str, int, float, bool, type(None))


def told(error: Exception) -> Told:
    fields = {name: value for name, value in vars(error).items() if isinstance(value, _PLAIN)}
    return Told(_known_name(type(error)), str(error), fields)


def raised(message: Told) -> QueuemgrError:
    """The error as it was raised over there, without its traceback."""
    kind = _CLASSES.get(message.type, ServiceError)
    error = kind.__new__(kind)
    # Their constructors take other things than the message, which is all that travelled.
    Exception.__init__(error, message.message)
    vars(error).update(message.fields)
    return error


def _known_name(kind: type[Exception]) -> str:
    """That of the nearest class that the other side knows."""
    return next((one.__name__ for one in kind.__mro__ if _CLASSES.get(one.__name__) is one), "ServiceError")


def _classes() -> Iterator[tuple[str, type[QueuemgrError]]]:
    for module in (errors, failures):
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, QueuemgrError):
                yield name, value


_CLASSES = dict(_classes())
