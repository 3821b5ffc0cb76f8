"""The errors by the names that programs for older versions import. Every one is a class of errors.py, and no other."""

from __future__ import annotations

from .errors import (
    InvalidJobStateError,
    JobAlreadyExistsError,
    JobExecutionError,
    ProcessControlError,
    QueuemgrError,
    RegistryError,
    ServiceError,
    ValidationError,
)
from .errors import JobNotFound as JobNotFoundError
from .errors import OperationTimeout as TimeoutError  # noqa: A004 - the name that they know

QueueManagerError = QueuemgrError
IPCError = ServiceError

__all__ = [
    "IPCError",
    "InvalidJobStateError",
    "JobAlreadyExistsError",
    "JobExecutionError",
    "JobNotFoundError",
    "ProcessControlError",
    "QueueManagerError",
    "RegistryError",
    "TimeoutError",
    "ValidationError",
]
