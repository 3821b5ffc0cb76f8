"""The errors, under the names that older programs import."""

from __future__ import annotations

from queuemgr.exceptions import JobExecutionError, ProcessControlError, ValidationError

__all__ = ["JobExecutionError", "ProcessControlError", "ValidationError"]
