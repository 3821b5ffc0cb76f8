"""A producer and a claimer in a process of their own: this module as a program, ruled by its input.

Each line of input is a command of words, each line of output its answer. It judges nothing: the test does.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

from queuemgr.app import open_store
from queuemgr.job import Job, new_id
from queuemgr.outcome import SUCCEEDED
from queuemgr.store import Claim, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from queuemgr.store import Store


class Elsewhere:
    """Another process with the same store, as a context manager that returns when that has opened it."""

    def __init__(self, url: str) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def send(self, *command: str | int) -> None:
        """Give a command without waiting for its answer."""
        assert self._process.stdin is not None
        print(json.dumps(command), file=self._process.stdin, flush=True)

    def answer(self) -> Any:
        """The answer to the oldest command that was not answered yet."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the other process has ended before it answered"
        return json.loads(line)

    def ask(self, *command: str | int) -> Any:
        self.send(*command)
        return self.answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.__exit__(kind, error, trace)


async def enqueue(store: Store, number: int, queue: str = "default") -> Any:
    """Enqueue so many jobs, each by itself. Answers with the moment before the first and their ids."""
    began, ids = time.time(), []
    for _ in range(number):
        job = Job(id=new_id(), task="task", args=b"[[]]", queue=queue, created_at=time.time())
        ids.append((await store.enqueue([job]))[0].id)
    return [began, ids]


async def drain(store: Store, claimers: int, limit: int) -> Any:
    """Claim and settle with so many claimers at once until nothing is left. Answers with the ids, in order."""
    lists = await asyncio.gather(*(_drain(store, f"{os.getpid()}-{n}", limit) for n in range(claimers)))
    return [job_id for ids in lists for job_id in ids]


async def _drain(store: Store, worker: str, limit: int) -> list[str]:
    ids: list[str] = []
    claim = Claim(worker=worker, queues=[("default", limit)], limit=limit, tasks=frozenset({"task"}))
    while leases := (await store.claim(claim)).leases:
        ids += [lease.id for lease in leases]
        await store.settle([Settlement(lease, worker, SUCCEEDED, time.time()) for lease in leases])
    return ids


async def _serve(url: str) -> None:
    verbs: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {"enqueue": enqueue, "drain": drain}
    store = open_store(url)
    await store.open()
    try:
        for line in iter(sys.stdin.readline, ""):
            verb, *words = json.loads(line)
            answer = "here" if verb == "hello" else await verbs[verb](store, *words)
            sys.stdout.write(f"{json.dumps(answer)}\n")
            sys.stdout.flush()
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
