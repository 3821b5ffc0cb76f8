"""What happened to a run, told from the error that it left. What became of its job is not said here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .answer import Reason
from .fingerprint import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.job import Attempt

_SIGKILL = "by hand, or by the kernel for want of memory"
_NOT_KEPT = frozenset({"queuemgr.errors.EncodingError"})
_OURS = "queuemgr.errors."


def cause_of(error: Mapping[str, Any] | None, attempt: Attempt | None) -> Reason:
    """From the error of a job and its last run, where there was one."""
    said = error or {}
    kind, message = str(said.get("type") or ""), str(said.get("message") or said.get("reason") or "")
    if attempt is not None and (attempt.outcome in ("interrupted", "crashed") or kind == f"{_OURS}Killed"):
        return death_of(attempt)
    params: dict[str, Any] = {"type": short(kind) or "error", "message": message}
    found = fingerprint_of(said)
    details = {"fingerprint": found.id, "place": found.place, "type": kind}
    return Reason(_code(kind, message), params, details)


def death_of(attempt: Attempt) -> Reason:
    """Of the worker or of the process that ran the job."""
    error = attempt.error or {}
    number = attempt.number
    if attempt.outcome == "interrupted":
        return Reason("worker_died", {"worker": attempt.worker, "attempt": number}, {"error": error})
    if attempt.exit_signal is None:
        return Reason("process_exited", {"attempt": number, "message": str(error.get("message") or "")})
    likely = _SIGKILL if attempt.exit_signal == "SIGKILL" else ""
    return Reason("process_died", {"signal": attempt.exit_signal, "attempt": number, "likely": likely})


def short(kind: str) -> str:
    return kind.rpartition(".")[2]


def _code(kind: str, message: str) -> str:
    if kind == f"{_OURS}TimedOut":
        return "timed_out"
    if "memory_limit" in message or short(kind) == "MemoryError":
        return "memory_limit"
    return "result_refused" if kind in _NOT_KEPT else "raised"
