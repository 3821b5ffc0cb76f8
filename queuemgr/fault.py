"""Named points on the way of a job at which a test can kill the process. In production a point costs one comparison."""

from __future__ import annotations

import os
import signal

POINTS = (
    "enqueue.inserted",
    "enqueue.committed",
    "claim.updated",
    "claim.committed",
    "claim.ahead",
    "run.before",
    "run.inside",
    "run.after",
    "settle.updated",
    "settle.committed",
    "promote.updated",
    "reclaim.updated",
    "tick.inserted",
    "tick.committed",
    "stop.draining",
    "stop.released",
)

# "claim.committed" dies the first time that the point is reached, "claim.committed:3" the third time.
_armed, _, _nth = os.environ.get("QUEUEMGR_DIE_AT", "").partition(":")
_left = int(_nth or 1)


def point(name: str) -> None:
    """Die here by SIGKILL if `QUEUEMGR_DIE_AT` in the environment names this point."""
    if _armed == name:
        _die()


def _die() -> None:
    global _left
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
