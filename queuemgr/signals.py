"""What signals are called. It sends and catches none."""

from __future__ import annotations

import signal


def signal_name(number: int) -> str:
    """`SIGTERM` for 15; `signal 45` where there is no name, as for most of the real-time ones."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
