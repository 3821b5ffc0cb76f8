"""Tells a web server of an alert, and dies by SIGKILL in the pause after a try: `program.py STORE URL MOMENT`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from queuemgr import App
from queuemgr.service.observe.config import Notify
from queuemgr.testing.clock import ManualClock
from tests.observe.rig import Stage


class Mortal(Stage):
    async def sleep(self, seconds: float) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


async def tell(store: str, url: str, moment: float) -> None:
    clock = ManualClock(moment)
    stage = Mortal(App(store, clock=clock), clock)
    await stage.enqueue(3)
    sampler = stage.sampler({"queue_length > 2": "high_priority"}, (Notify(webhook=url),))
    await sampler.tick()
    await sampler.settled()


if __name__ == "__main__":
    _, store, url, moment = sys.argv
    asyncio.run(tell(store, url, float(moment)))
