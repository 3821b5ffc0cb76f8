"""Job classes: what a person derives from, and how a class is found by its name. No process is started here."""

from __future__ import annotations

from .base import QueueJobBase
from .placeholder import RegistryPlaceholderJob

__all__ = ["QueueJobBase", "RegistryPlaceholderJob"]
