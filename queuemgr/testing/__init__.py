"""What tests need: a clock that is turned by hand, and the contract of a store as a suite that any store can run.

`StoreSuite` needs pytest and is therefore imported when it is first named; nothing here is used while jobs run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clock import ManualClock

if TYPE_CHECKING:
    from .contract.suite import StoreSuite

__all__ = ["ManualClock", "StoreSuite"]


def __getattr__(name: str) -> object:
    if name != "StoreSuite":
        raise AttributeError(f"module 'queuemgr.testing' has no attribute {name!r}")
    import pytest

    # Without this a failed assertion of the suite would not tell the values that it compared.
    pytest.register_assert_rewrite("queuemgr.testing.contract")
    from .contract.suite import StoreSuite

    return StoreSuite
