"""Every error as a problem document (RFC 9457): its status, and what it tells. It catches none."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from queuemgr.errors import QueuemgrError
from queuemgr.service.failures import hint_of, message_of

from .request import Response, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND = "application/problem+json"
FAULT = "the request failed by a mistake in queuemgr itself; its log says more"

# By name, nearest class first, as exit codes are: errors of optional parts need not be imported to be told.
STATUSES = {
    "Misused": 400,
    "ConfigError": 400,
    "BadArguments": 422,
    "ValidationError": 422,
    "EncodingError": 422,
    "UndecodableError": 500,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "JobNotFound": 404,
    "UnknownTask": 404,
    "MethodNotAllowed": 405,
    "TooSlow": 408,
    "NotAcceptable": 406,
    "NotAllowed": 409,
    "JobExists": 409,
    "InvalidJobStateError": 409,
    "ResultError": 409,
    "AlreadyRunning": 409,
    "TooLarge": 413,
    "UnsupportedKind": 415,
    "NoSuchRange": 416,
    "KeyReused": 422,
    "TooManyAttempts": 429,
    "RegistryError": 500,
    "ProcessControlError": 502,
    "Unsupported": 501,
    "NoStore": 503,
    "CutOff": 503,
    "StoreError": 503,
    "ServiceError": 503,
    "ResultTimeout": 504,
    "OperationTimeout": 504,
}
_TOLD = ("job_id", "unique_key", "field", "current_status", "operation")


class Refused(QueuemgrError):
    """What HTTP itself forbids. `headers` go with the answer."""

    def __init__(self, message: str, hint: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.hint = hint
        self.headers = headers
        super().__init__(message)


class MethodNotAllowed(Refused):
    pass


class TooSlow(Refused):
    pass


class TooLarge(Refused):
    pass


class UnsupportedKind(Refused):
    pass


class NoSuchRange(Refused):
    pass


class KeyReused(Refused):
    pass


def status_of(error: BaseException) -> int:
    return next((STATUSES[name] for name in _names(error) if name in STATUSES), 500)


def document_of(error: BaseException) -> dict[str, Any]:
    """{"type", "title", "status", "detail", "hint"} and what the error knows: "job_id", "field" and others."""
    status = status_of(error)
    expected = isinstance(error, QueuemgrError)
    facts: dict[str, Any] = {
        "type": f"urn:queuemgr:{_kebab(type(error).__name__ if expected else 'Fault')}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message_of(error) if expected else FAULT,
        "hint": hint_of(error) or None,
    }
    return facts | {name: str(getattr(error, name)) for name in _TOLD if expected and getattr(error, name, None)}


def response_of(error: BaseException) -> Response:
    facts = document_of(error)
    return as_json(facts, facts["status"], KIND, tuple(getattr(error, "headers", ())))


def _names(error: BaseException) -> Iterator[str]:
    return (kind.__name__ for kind in type(error).__mro__)


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
