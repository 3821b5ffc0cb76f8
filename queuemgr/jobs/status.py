"""The words for a job's state in the registry and in flat status dicts, with the numbers of the registry's lines."""

from __future__ import annotations

from enum import IntEnum

from queuemgr.job import State


class JobStatus(IntEnum):
    PENDING = 0
    RUNNING = 1
    COMPLETED = 2
    ERROR = 3
    STOPPED = 4
    INTERRUPTED = 4
    DELETED = 5

    @property
    def terminal(self) -> bool:
        return self >= JobStatus.COMPLETED


class JobCommand(IntEnum):
    NONE = 0
    START = 1
    STOP = 2
    DELETE = 3


_STATUS = {
    State.RUNNING: JobStatus.RUNNING,
    State.SUCCEEDED: JobStatus.COMPLETED,
    State.DEAD: JobStatus.ERROR,
    State.CANCELLED: JobStatus.STOPPED,
}


def status_of(state: State) -> JobStatus:
    """Every job that has not begun, whatever it waits for, is PENDING."""
    return _STATUS.get(state, JobStatus.PENDING)
