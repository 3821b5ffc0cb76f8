"""The command line."""

from __future__ import annotations

from .older import QueueManagerCLI

__all__ = ["QueueManagerCLI"]
