"""The workers of other apps that run beside the service: started, started again with growing pauses, stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from . import crew

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

log = logging.getLogger("queuemgr.service")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
SOUND = 30.0
"""Seconds after which a life was long enough that the next pause is a short one again."""


@asynccontextmanager
async def crews(apps: Sequence[str], processes: int, grace: float) -> AsyncIterator[None]:
    """Within the context the workers of these apps run; at its end they have `grace` seconds."""
    tasks = [asyncio.create_task(_keep(app, processes, grace), name=f"workers of {app}") for app in apps]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(app: str, processes: int, grace: float) -> None:
    pause = FIRST_PAUSE
    while True:
        began = time.monotonic()
        code = await _life(app, processes, grace)
        if code == 0:
            log.warning("the workers of %s were stopped; a restart of the service brings them back", app)
            return
        pause = FIRST_PAUSE if time.monotonic() - began > SOUND else min(2 * pause, LONGEST_PAUSE)
        log.warning("the workers of %s ended with code %d; they are started again in %g s", app, code, pause)
        await asyncio.sleep(pause)


async def _life(app: str, processes: int, grace: float) -> int:
    command = ["worker", app, "-p", str(processes), "--grace", str(grace)]
    program = [sys.executable, "-m", crew.__name__, str(os.getpid())]
    process = await asyncio.create_subprocess_exec(*program, *command, stdin=asyncio.subprocess.DEVNULL)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace + FIRST_PAUSE):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
