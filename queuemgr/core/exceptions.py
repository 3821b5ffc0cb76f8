"""The errors, under the names that older programs import."""

from __future__ import annotations

from queuemgr.exceptions import IPCError, ProcessControlError, RegistryError, ValidationError

__all__ = ["IPCError", "ProcessControlError", "RegistryError", "ValidationError"]
