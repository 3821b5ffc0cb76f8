"""What a file's tests leave open in a cycle of objects fails the last of them, not whichever test runs as it is found.

The garbage collector comes when it likes, and a warning in it is of the module that happens to run. So everything that
is there when the tests begin is put out of its sight, and it is sent after each file: that takes a millisecond. What
is left open without a cycle is closed, and warned of, where it is dropped: that is not looked at here.
"""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Iterator

import pytest


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    handled = yield
    if nextitem is None or nextitem.path != item.path:
        call = pytest.CallInfo.from_call(lambda: _fail_of(collect()), when="teardown")
        if call.excinfo is not None:
            item.ihook.pytest_runtest_logreport(report=pytest.TestReport.from_item_and_call(item, call))
    return handled


def collect() -> list[str]:
    """What was left open and found now. What lives on is not looked at again."""
    found: list[str] = []
    usual, sys.unraisablehook = sys.unraisablehook, lambda one: found.append(f"{one.exc_value!r} in {one.object!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            gc.collect()
    finally:
        sys.unraisablehook = usual
    gc.freeze()
    return found


def _fail_of(found: list[str]) -> None:
    if found:
        pytest.fail(f"a test of this file left open: {'; '.join(found)}", pytrace=False)
