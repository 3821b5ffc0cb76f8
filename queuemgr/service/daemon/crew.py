"""One crew's own process: the command `queuemgr worker`, which ends in good order when the daemon is no more.

Whatever ends the daemon, nobody else would tell its workers to. It starts nobody again.
"""

from __future__ import annotations

import os
import signal
import sys

from queuemgr.executors.processes.procinfo import die_with_parent

ALONE = signal.SIGUSR1
"""What the kernel tells a crew once the daemon is no more."""


def main(parent: int, words: list[str]) -> None:
    """`parent` is the daemon's pid, `words` are those of the command."""
    signal.signal(ALONE, _stop)
    die_with_parent(ALONE)
    if os.getppid() == parent:
        from queuemgr.service.cli.main import main as command

        command(words, prog_name="queuemgr")


def _stop(number: int, _frame: object) -> None:
    """As if the daemon had told it to stop: running jobs have their time, and no others begin."""
    # The kernel says it as often as the daemon had threads, and SIGTERM again would mean "at once".
    signal.signal(number, signal.SIG_IGN)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
