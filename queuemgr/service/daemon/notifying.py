"""Tells systemd how the daemon is. Source: sd_notify(3). Where nobody listens it says nothing."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress


def notify(*words: str) -> None:
    """For example `notify("READY=1", "STATUS=12 jobs run")`."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        # An address that begins with @ stands for the abstract one.
        line.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        line.send("\n".join(words).encode())


def watchdog_period() -> float | None:
    """Seconds within which systemd wants to hear from this process; None where it does not."""
    microseconds, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(microseconds) / 1e6


async def keep_watchdog_quiet() -> None:
    """As long as the event loop turns, systemd hears of it in good time."""
    period = watchdog_period()
    while period is not None:
        notify("WATCHDOG=1")
        await asyncio.sleep(period / 3)
