"""The formats of other ecosystems, one folder each. None knows another."""

from __future__ import annotations
