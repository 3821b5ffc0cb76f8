"""Every error that queuemgr raises or records.

    QueuemgrError
    ├─ ConfigError            a setting, an option or a URL is wrong
    │  ├─ UnknownOption       no such option; names the nearest right one
    │  └─ BadSchedule         a cron expression, an interval or a zone that cannot be read
    ├─ TaskError
    │  ├─ UnknownTask         nothing is registered under that name
    │  └─ BadArguments        the arguments do not fit the task's signature
    ├─ EncodingError          a value cannot travel, or is too large
    ├─ UndecodableError       bytes that cannot be read back
    ├─ ValidationError        a value that was given is wrong; names the field
    ├─ ProcessControlError    what was asked of a job or of the service could not be done
    │  ├─ JobError
    │  │  ├─ JobNotFound      no job has that id
    │  │  ├─ JobExists        the unique key is taken
    │  │  │  └─ JobAlreadyExistsError   the id is taken
    │  │  ├─ InvalidJobStateError       not in the state in which the job is
    │  │  └─ ResultError      the job ended without a result
    │  │     └─ JobExecutionError       its own code or its own result says that it failed
    │  └─ ServiceError
    │     ├─ ServiceNotRunning      no service answers there
    │     ├─ ServiceGone            it ended or hung up before it answered
    │     └─ AlreadyRunning         another one holds the same folder or registry
    ├─ ResultTimeout          the job did not end in time
    ├─ OperationTimeout       the service did not answer in time
    ├─ RegistryError          the registry file cannot be read or written
    ├─ StoreError
    │  ├─ StoreUnavailable ↻  locked, full, read-only, gone: worth another try
    │  ├─ ForeignStore        the file or server belongs to somebody else
    │  ├─ NewerStore          written by a newer queuemgr
    │  ├─ CorruptStore        damaged bytes
    │  └─ Unsupported         this store cannot do that
    └─ RunError               recorded on an attempt, not raised to callers
       ├─ TimedOut            ran longer than its time-out
       ├─ Killed              its process died
       └─ Interrupted         its worker died or gave it back

An error says what happened, to what, and what to do next. `exceptions.py` gives the same classes the names that older
programs know. This module decides nothing.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class QueuemgrError(Exception):
    """Anything that queuemgr itself finds wrong."""


class ConfigError(QueuemgrError):
    pass


class UnknownOption(ConfigError):
    pass


class BadSchedule(ConfigError):
    pass


class TaskError(QueuemgrError):
    pass


class UnknownTask(TaskError):
    pass


class BadArguments(TaskError):
    """`reason` says the same without the value of any argument, and is empty where nobody knows how."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class EncodingError(QueuemgrError):
    pass


class UndecodableError(QueuemgrError):
    pass


class ValidationError(QueuemgrError):
    def __init__(self, field: str, value: object, reason: str) -> None:
        self.field = field
        self.value = value
        self.reason = reason
        super().__init__(f"Validation error for field '{field}': {reason}")


class ProcessControlError(QueuemgrError):
    """Programs that are older than its subclasses catch all of them by this name."""

    job_id = ""
    operation = ""
    original_error: BaseException | None = None

    def __init__(self, job_id: str, operation: str, original_error: BaseException | None = None) -> None:
        self.job_id = job_id
        self.operation = operation
        self.original_error = original_error
        because = "" if original_error is None else f": {original_error}"
        super().__init__(f"Process control error for job '{job_id}' during {operation}{because}")


class JobError(ProcessControlError):
    def __init__(self, message: str) -> None:
        QueuemgrError.__init__(self, message)


class JobNotFound(JobError):
    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(
            f"no job has the id {job_id!r}: it was deleted, its lifetime is over, or it lives in another store"
        )


class JobExists(JobError):
    def __init__(self, unique_key: str, job_id: str) -> None:
        self.unique_key = unique_key
        self.job_id = job_id
        super().__init__(
            f"the unique key {unique_key!r} is held by job {job_id}; "
            "wait for it, or choose on_conflict='existing' or 'replace'"
        )


class JobAlreadyExistsError(JobExists):
    unique_key = ""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        JobError.__init__(self, f"a job with the id {job_id!r} already exists: choose another id, or purge that job")


class InvalidJobStateError(JobError):
    """`current_status` and `operation` are words; `hint` is what would be possible instead."""

    def __init__(self, job_id: str, current_status: str, operation: str, hint: str = "") -> None:
        self.job_id = job_id
        self.current_status = current_status
        self.operation = operation
        self.hint = hint
        more = f": {hint}" if hint else ""
        super().__init__(f"cannot {operation} job {job_id!r} in state {current_status}{more}")


class ResultError(JobError):
    """The job ended, but not with a result: it is dead or cancelled."""


class JobExecutionError(ResultError):
    def __init__(self, job_id: str, original_error: BaseException | str | None = None) -> None:
        self.job_id = job_id
        self.original_error = original_error  # type: ignore[assignment]
        because = "" if original_error is None else f": {original_error}"
        super().__init__(f"Job '{job_id}' execution failed{because}")


class ServiceError(ProcessControlError):
    operation = "service"

    def __init__(self, message: str) -> None:
        QueuemgrError.__init__(self, message)


class ServiceNotRunning(ServiceError):
    pass


class ServiceGone(ServiceError):
    pass


class AlreadyRunning(ServiceError):
    """`pid` is that of the one which runs, None where it is not known."""

    def __init__(self, message: str, pid: int | None = None) -> None:
        self.pid = pid
        super().__init__(message)


class ResultTimeout(QueuemgrError, TimeoutError):
    pass


class OperationTimeout(QueuemgrError, TimeoutError):
    def __init__(self, operation: str, timeout_seconds: float) -> None:
        self.operation = operation
        self.timeout_seconds = timeout_seconds
        super().__init__(f"Operation '{operation}' timed out after {timeout_seconds} seconds")


class RegistryError(QueuemgrError):
    def __init__(self, message: str, original_error: BaseException | None = None) -> None:
        self.message = message
        self.original_error = original_error
        super().__init__(f"Registry error: {message}")


class StoreError(QueuemgrError):
    pass


class StoreUnavailable(StoreError):
    pass


class ForeignStore(StoreError):
    pass


class NewerStore(StoreError):
    pass


class CorruptStore(StoreError):
    pass


class Unsupported(StoreError):
    pass


class RunError(QueuemgrError):
    pass


class TimedOut(RunError):
    pass


class Killed(RunError):
    pass


class Interrupted(RunError):
    pass


NEAR = 0.7
"""How alike two words are, from 0 to 1, for one to be taken for the other, mistyped."""


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """A half-sentence that names the nearest right word, or lists all of them when none is near."""
    names = sorted(known)
    near = get_close_matches(wrong, names, n=1, cutoff=NEAR)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none is known"
