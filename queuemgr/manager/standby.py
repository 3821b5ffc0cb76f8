"""The program behind a worker's pulse (pulse.py): it stands by until a beat is due, and then beats (beating.py).

Its arguments are the worker's process and the seconds until then. So long it imports next to nothing: a worker that
ends sooner costs no second import of a store, and one that begins is not slowed down by it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress

# A terminal and a service manager signal whole groups; this process lives exactly as long as its worker.
DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)


def main() -> None:
    for signum in DEAF_TO:
        signal.signal(signum, signal.SIG_IGN)
    told = sys.stdin.buffer.read()
    _stand_by(int(sys.argv[1]), float(sys.argv[2]))
    from .beating import beat

    beat(told)


def _stand_by(worker: int, seconds: float) -> None:
    """Until the worker has died, or so much time has passed."""
    with suppress(ProcessLookupError):
        life = os.pidfd_open(worker)
        poll = select.poll()
        poll.register(life, select.POLLIN)
        # Once it has died, its number may be somebody else's.
        poll.poll(seconds * 1000 if os.getppid() == worker else 0)
        os.close(life)


if __name__ == "__main__":
    main()
