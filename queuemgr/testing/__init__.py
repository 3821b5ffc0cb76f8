"""What tests need: a clock that is turned by hand, and the contracts of a store and of a dialect as suites.

The suites need pytest and are therefore imported when they are first named; nothing here is used while jobs run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .clock import ManualClock

if TYPE_CHECKING:
    from .contract.suite import StoreSuite
    from .dialect.suite import DialectSuite

__all__ = ["DialectSuite", "ManualClock", "StoreSuite"]

SUITES = {"StoreSuite": "contract", "DialectSuite": "dialect"}


def __getattr__(name: str) -> object:
    if name not in SUITES:
        raise AttributeError(f"module 'queuemgr.testing' has no attribute {name!r}")
    import pytest

    # Without this a failed assertion of a suite would not tell the values that it compared.
    pytest.register_assert_rewrite("queuemgr.testing.contract", "queuemgr.testing.dialect")
    suite: object = getattr(import_module(f".{SUITES[name]}.suite", __name__), name)
    return suite
