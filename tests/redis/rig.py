"""What the tests of the Redis store share: jobs, claims, a store for a block, and proxies: one loses answers, one holds
questions back.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from typing import Any, Self

from queuemgr.clock import Clock
from queuemgr.job import Job, Lease, new_id
from queuemgr.liveness import birth_of, this_host
from queuemgr.outcome import SUCCEEDED, Verdict
from queuemgr.store import Claim, Settlement, WorkerInfo
from queuemgr.stores.redis.store import RedisStore


def make_job(task: str = "task", **fields: Any) -> Job:
    return Job(**{"id": new_id(), "task": task, "args": b"[[]]", "created_at": time.time(), **fields})


@asynccontextmanager
async def opened(url: str, clock: Clock | None = None) -> AsyncIterator[RedisStore]:
    store = RedisStore(url, clock)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


async def claim(store: RedisStore, worker: str = "worker", limit: int = 100, *queues: str) -> list[Lease]:
    shares = [(queue, limit) for queue in queues or ("default",)]
    return (await store.claim(Claim(worker=worker, queues=shares, limit=limit, tasks=frozenset({"task"})))).leases


def settlement(lease: Lease, verdict: Verdict = SUCCEEDED, worker: str = "worker", **fields: Any) -> Settlement:
    return Settlement(**{"lease": lease, "worker": worker, "verdict": verdict, "ended_at": time.time(), **fields})


def info(worker: str, **fields: Any) -> WorkerInfo:
    now = time.time()
    own = {
        "host": this_host(),
        "pid": os.getpid(),
        "birth": birth_of(os.getpid()) or 0,
        "started_at": now,
        "beat_at": now,
    }
    return WorkerInfo(**{"id": worker, **own, **fields})


class Proxy:
    """Stands between a store and its server, and loses as many answers as it is told to, with their connections."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.lose_answers = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._stand_between(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _stand_between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            there, back = await asyncio.open_connection("127.0.0.1", self._server_port)
            with closing(back):
                pump = asyncio.create_task(self._pass_on(reader, back))
                try:
                    await self._pass_back(there, writer)
                finally:
                    pump.cancel()

    async def _pass_back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await there.read(65536):
                # A server that does not have the script yet has done nothing.
                if self.lose_answers and not data.startswith((b"-NOSCRIPT", b"$40\r\n")):
                    self.lose_answers -= 1
                    break
                writer.write(data)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)


class LateProxy(Proxy):
    """Holds back the next question with certain words in it, until it is to be delivered.

    Whoever asked loses the connection, or with `silently` just hears nothing any more.
    """

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.held = asyncio.Event()
        self._words = b""
        self._silently = False
        self._late: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]] = []

    async def __aexit__(self, *error: object) -> None:
        for _, back, _ in self._late:
            back.close()
        await super().__aexit__(*error)

    def hold(self, words: bytes, *, silently: bool = False) -> None:
        self.held.clear()
        self._words, self._silently = words, silently

    async def deliver(self) -> bytes:
        """The server's answer to what was held longest."""
        there, back, question = self._late.pop(0)
        with closing(back):
            back.write(question)
            return await there.read(65536)

    async def _stand_between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._server_port)
        answering, held = asyncio.create_task(self._pass_back(there, writer)), False
        try:
            with closing(writer):
                held = await self._pass_on_most(reader, there, back)
        finally:
            answering.cancel()
            if not held:
                back.close()

    async def _pass_on_most(
        self, reader: asyncio.StreamReader, there: asyncio.StreamReader, back: asyncio.StreamWriter
    ) -> bool:
        """Whether a question is held."""
        with suppress(OSError):
            while data := await reader.read(65536):
                if self._words and self._words in data:
                    self._words = b""
                    self._late.append((there, back, data))
                    self.held.set()
                    if self._silently:
                        await reader.read()
                    return True
                back.write(data)
        return False
