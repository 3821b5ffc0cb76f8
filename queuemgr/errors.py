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
    ├─ JobError
    │  ├─ JobNotFound         no job has that id
    │  ├─ JobExists           the unique key is taken
    │  └─ ResultError         the job ended without a result
    ├─ ResultTimeout          the job did not end in time
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

An error says what happened, to what, and what to do next. This module decides nothing.
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
    pass


class EncodingError(QueuemgrError):
    pass


class UndecodableError(QueuemgrError):
    pass


class JobError(QueuemgrError):
    pass


class JobNotFound(JobError):
    def __init__(self, job_id: str) -> None:
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


class ResultError(JobError):
    """The job ended, but not with a result: it is dead or cancelled."""


class ResultTimeout(QueuemgrError, TimeoutError):
    pass


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


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """A half-sentence that names the nearest right word, or lists all of them when none is near."""
    names = sorted(known)
    near = get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none is known"
