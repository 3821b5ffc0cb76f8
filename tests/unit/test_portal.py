"""What becomes of a thread that waits in the portal while another one closes it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from queuemgr.errors import StoreUnavailable
from queuemgr.portal import Portal


def test_who_waits_while_the_portal_is_closed_is_told_and_can_ask_again() -> None:
    portal, began = Portal(), threading.Event()

    async def waits() -> None:
        began.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(portal.call, waits(), "it")
        assert began.wait(30)
        portal.close()
        with pytest.raises(StoreUnavailable, match="closed meanwhile"):
            waiting.result(30)
    assert portal.call(asyncio.sleep(0, 7), "it") == 7
    portal.close()
