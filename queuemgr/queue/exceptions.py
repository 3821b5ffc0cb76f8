"""The errors, under the names that older programs import."""

from __future__ import annotations

from queuemgr.exceptions import (
    InvalidJobStateError,
    JobAlreadyExistsError,
    JobNotFoundError,
    ProcessControlError,
    RegistryError,
)

__all__ = ["InvalidJobStateError", "JobAlreadyExistsError", "JobNotFoundError", "ProcessControlError", "RegistryError"]
