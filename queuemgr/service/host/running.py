"""Runs a service in this process until a signal ends it, or as a child that says when it is ready. It forks nothing."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from queuemgr.errors import OperationTimeout, QueuemgrError, ServiceNotRunning

from .config import HostConfig
from .host import Host
from .telling import raised, told
from .wire import Told

if TYPE_CHECKING:
    from collections.abc import Callable

READY = b"ready\n"

PATIENCE = 30.0
"""Seconds that a service which said why it cannot start may take to end."""

TURN = 0.0005
"""Seconds after which a thread of the store that has an answer gets its turn: somebody waits for each of them."""


def run(config: HostConfig, on_ready: Callable[[], None] = lambda: None, life_line: int | None = None) -> bool:
    """Serve until SIGTERM or SIGINT, or until nobody holds the other end of `life_line`. As `Host.run`."""
    return asyncio.run(_run(config, on_ready, life_line))


async def _run(config: HostConfig, on_ready: Callable[[], None], life_line: int | None) -> bool:
    host = Host(config, on_ready)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, host.stop)
    if life_line is not None:

        def look() -> None:
            if not os.read(life_line, 1024):
                loop.remove_reader(life_line)
                host.stop()

        loop.add_reader(life_line, look)
    return await host.run()


def start(config: HostConfig, *, die_with_parent: bool = True, timeout: float | None = None) -> subprocess.Popen[bytes]:
    """A service in a process of its own, once it is ready. With `die_with_parent` it stops when this one ends.

    Raises what `Host.run` raises at its start, ServiceNotRunning where it ended without a word, OperationTimeout where
    it took more than `timeout` seconds; then it is killed.
    """
    read, write = os.pipe()
    command = [sys.executable, "-m", __package__, str(write), "linked" if die_with_parent else "alone"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with os.fdopen(read, "rb") as said:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, pass_fds=(write,), start_new_session=True, env=environment
            )
        finally:
            os.close(write)
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(msgspec.json.encode(config) + b"\n")
            process.stdin.flush()
        if not die_with_parent:
            process.stdin.close()
        if not _says_something(said.fileno(), timeout):
            with process:
                process.kill()
            raise OperationTimeout("start of the service", timeout or 0.0)
        words = said.read()
    if words == READY:
        return process
    with process:
        process.wait(PATIENCE)
    if words:
        raise raised(msgspec.json.decode(words, type=Told))
    raise ServiceNotRunning(f"the service ended with code {process.returncode} before it was ready; its log says more")


def _says_something(descriptor: int, timeout: float | None) -> bool:
    watch = select.poll()
    watch.register(descriptor, select.POLLIN)
    return bool(watch.poll(None if timeout is None else timeout * 1000))


def main() -> int:
    """What a process made by `start` does: its configuration comes by stdin."""
    ready, linked = int(sys.argv[1]), sys.argv[2] == "linked"
    sys.setswitchinterval(TURN)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = msgspec.json.decode(sys.stdin.buffer.readline(), type=HostConfig)

    is_ready = False

    def say_ready() -> None:
        nonlocal is_ready
        gc.collect()
        gc.freeze()  # what is there by now stays: looking through it again and again takes time
        os.write(ready, READY)
        os.close(ready)
        is_ready = True

    try:
        return 0 if run(config, say_ready, life_line=0 if linked else None) else 1
    except (QueuemgrError, OSError) as error:
        what = "ended" if is_ready else "cannot start"
        logging.getLogger("queuemgr.service").error("the service %s: %s", what, error)  # noqa: TRY400
        if not is_ready:
            with suppress(OSError):
                os.write(ready, msgspec.json.encode(told(error)))
        return 1
