"""`python warm.py DESCRIPTOR`: has imported what the crash program needs, and forks a process of it for each order.

An order comes over the socket DESCRIPTOR with two descriptors: one for all output, and one that is told the pid and in
the end the exit status. A fork goes on as a fresh interpreter would with `python program.py ARGUMENTS`, until its
threads have ended and all is done that is to be done at its exit; its memory is the kernel's to clear. Each is a
process of its own, which shares nothing with this one, and this one uses no store and starts no thread. An order of
nothing ends what dead forks have left behind: a test is over, and what their pulses have to say would only cost time.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from queuemgr.executors.processes import procinfo

PROGRAM = Path(__file__).with_name("program.py")
PRELOADED = (
    *("queuemgr.worker", "queuemgr.app", "queuemgr.pulse"),
    *("queuemgr.executors.aio", "queuemgr.executors.threads", "queuemgr.executors.processes.executor"),
)
# Without their packages there is no test of them either.
STORES = ("queuemgr.stores.sqlite.store", "queuemgr.stores.redis.store", "queuemgr.stores.postgres.store")
LONGEST = 1 << 18  # bytes of an order


class Order(NamedTuple):
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    output: int
    told: int


def main(descriptor: int) -> None:
    ending = Ending()
    atexit.register(ending)  # before all that is imported: the first to come is the last to be called
    preload()
    procinfo.adopt_orphans()
    code = compile(PROGRAM.read_bytes(), PROGRAM, "exec", dont_inherit=True)
    with socket.socket(fileno=descriptor) as control:
        order = forked(control)
    if order is not None:
        with ending:
            play(order, code)


class Ending:
    """Ends the process with the status of what ran under it, before the interpreter takes itself apart: 27 ms of 29."""

    def __init__(self) -> None:
        self._status: int | None = None

    def __enter__(self) -> None:
        self._status = 0

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        match error:
            case SystemExit(code=int(status)):
                self._status = status
            case SystemExit(code=None) | None:
                pass
            case _:
                self._status = None

    def __call__(self) -> None:
        if self._status is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self._status)


def preload() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    for name in STORES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "what is imported starts threads, which no fork has"
    gc.collect()
    gc.freeze()


def forked(control: socket.socket) -> Order | None:
    """Serve until the other end hangs up; then None. In each process that is forked: its order."""
    living: dict[int, tuple[int, int]] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor != control.fileno():
                poll.unregister(descriptor)
                bury(descriptor, *living.pop(descriptor))
                continue
            order = received(control)
            if order is None:
                for pid, _ in living.values():
                    os.kill(pid, signal.SIGKILL)
                return None
            if not order.arguments:
                sweep({pid for pid, _ in living.values()})
                continue
            pid = os.fork()
            if pid == 0:
                for life, (_, told) in living.items():
                    os.close(life)
                    os.close(told)
                return order
            os.close(order.output)
            os.write(order.told, f"{pid} ".encode())
            life = os.pidfd_open(pid)
            living[life] = (pid, order.told)
            poll.register(life, select.POLLIN)


def sweep(living: set[int]) -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    for pid in set(map(int, children)) - living:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def received(control: socket.socket) -> Order | None:
    data, descriptors, _, _ = socket.recv_fds(control, LONGEST, 2)
    return Order(*json.loads(data), *(descriptors or (-1, -1))) if data else None


def bury(life: int, pid: int, told: int) -> None:
    _, status = os.waitpid(pid, 0)
    os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(told)
    os.close(life)


def play(order: Order, code: CodeType) -> None:
    # Whoever interrupts the tests shall find none of these left.
    procinfo.die_with_parent(signal.SIGKILL)
    for descriptor in (1, 2):
        os.dup2(order.output, descriptor)
    os.close(order.output)
    os.close(order.told)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    sys.argv[:] = [str(PROGRAM), *order.arguments]
    # The point at which to die is read from the environment as this module is executed.
    importlib.reload(sys.modules["queuemgr.fault"])
    program: Any = ModuleType("__main__")
    program.__file__, program.__builtins__ = str(PROGRAM), __builtins__
    sys.modules["__main__"] = program
    exec(code, program.__dict__)


if __name__ == "__main__":
    main(int(sys.argv[1]))
