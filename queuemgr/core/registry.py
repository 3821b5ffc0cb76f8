"""The registries, under the names that older programs import."""

from __future__ import annotations

from queuemgr.service.registry.registries import InMemoryRegistry, JsonlRegistry, Registry

__all__ = ["InMemoryRegistry", "JsonlRegistry", "Registry"]
