"""`python -m tests.servers.keeper KIND PID`: keeps one server for as long as the test run with this pid lives.

It says the server's address on its standard output and goes into the background. It is nobody's child, so that the
run's processes can be looked through for what a test left behind. It cannot be asked to end.
"""

from __future__ import annotations

import os
import select
import sys

from .mariadb import Mariadb
from .postgres import Postgres
from .process import Server
from .redis import Redis

KINDS: dict[str, type[Server]] = {"redis": Redis, "postgres": Postgres, "mariadb": Mariadb}


def keep(kind: str, run: int) -> None:
    server = KINDS[kind]()
    try:
        server.start()
        print(server.url, flush=True)
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        select.select([run], [], [])
    finally:
        server.close()


if __name__ == "__main__":
    run = os.pidfd_open(int(sys.argv[2]))
    if os.fork() == 0:
        os.setsid()
        keep(sys.argv[1], run)
