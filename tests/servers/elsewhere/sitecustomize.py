"""Lets a process, and those that it starts, believe to be on another machine. Python imports it at its start.

TEST_HOST is another process namespace, in which nobody's life is known here; TEST_AHEAD puts the clock forward by so
many seconds; TEST_LEASE is the lease of remote stores in seconds. It changes nothing of what the kernel really does.
"""

from __future__ import annotations

import os
import time

if host := os.environ.get("TEST_HOST"):
    readlink = os.readlink
    os.readlink = lambda path, **how: host if path == "/proc/self/ns/pid" else readlink(path, **how)  # type: ignore[assignment]

if ahead := float(os.environ.get("TEST_AHEAD", "0")):
    now = time.time
    time.time = lambda: now() + ahead

if lease := os.environ.get("TEST_LEASE"):
    from queuemgr import store

    store.REMOTE_LEASE = float(lease)
