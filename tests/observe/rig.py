"""A store whose clock the test turns, workers' tellings made by hand, and receivers of alerts. Holds no test."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec

from queuemgr import App
from queuemgr.client import AsyncClient
from queuemgr.service.observe.config import Notify
from queuemgr.service.observe.sampler import Sampler
from queuemgr.store import Store
from queuemgr.tally import KEPT, Count, Told, minute_key
from queuemgr.testing.clock import ManualClock

HOUR = 1_700_002_800.0
"""The first moment of an hour, and so of ten minutes and of a minute, too."""


@dataclass
class Stage:
    """`at` is where the clock stands."""

    app: App
    clock: ManualClock
    pauses: list[float] = field(default_factory=list)

    @property
    def client(self) -> AsyncClient:
        return self.app.aio

    @property
    def store(self) -> Store:
        return self.client.store

    async def sleep(self, seconds: float) -> None:
        """What a sampler waits by: nobody waits, and it is written down."""
        self.pauses.append(seconds)

    def sampler(self, alerts: Any = None, notify: tuple[Notify, ...] = ()) -> Sampler:
        return Sampler(self.client, alerts, notify, self.sleep)

    async def tell(self, queue: str = "default", task: str = "t", **told: Any) -> None:
        """As a worker tells at this moment. `done` and so on are counted, the rest is of the telling."""
        facts: dict[str, Any] = {"worker": "w1", "seconds": 10.0, "slots": 4, "busy": 0.0, "memory": 0}
        facts |= {name: told.pop(name) for name in tuple(told) if name in facts}
        text = msgspec.json.encode(Told(at=self.clock.now(), rows=[(queue, task, Count(**told))], **facts))
        counter = minute_key(int(self.clock.now()) // 60)
        number = await self.store.key_add(counter, 1, KEPT)
        assert await self.store.key_put_if_absent(f"{counter}:{number}", text, KEPT)

    async def minute(self, sampler: Sampler, minutes: int = 1, **told: Any) -> None:
        """Let minutes pass, in each of which a worker tells so much, and let the sampler see the end of each."""
        for _ in range(minutes):
            if told:
                await self.tell(**told)
            self.clock.set(self.clock.now() - self.clock.now() % 60 + 65)
            await sampler.tick()

    async def enqueue(self, number: int, queue: str = "default") -> None:
        from queuemgr.job import Job, new_id

        now = self.clock.now()
        jobs = [Job(id=new_id(), task="t", args=b"[[]]", queue=queue, created_at=now) for _ in range(number)]
        await self.store.enqueue(jobs)


def staged(folder: Path, scene: Callable[[Stage], Coroutine[Any, Any, None]], now: float = HOUR + 1) -> None:
    """Play a scene on an empty store."""
    clock = ManualClock(now)
    app = App(f"sqlite:///{folder}/jobs.db", clock=clock)
    stage = Stage(app, clock)

    async def play() -> None:
        try:
            await asyncio.wait_for(scene(stage), 60)
        finally:
            await app.aio.store.close()

    asyncio.run(play())


@dataclass
class Receiver:
    """A web server that takes alerts, or refuses with the codes that it was given, one after the other."""

    url: str
    codes: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def notices(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    @property
    def events(self) -> list[str]:
        return [notice["event"] for notice in self.notices]


@contextmanager
def receiver(*codes: int, location: str = "") -> Iterator[Receiver]:
    """The codes are answered first, then 204."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((dict(self.headers), body))
            self.send_response(made.codes.pop(0) if made.codes else 204)
            if location:
                self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Receiver(f"http://127.0.0.1:{server.server_port}/hook", list(codes))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
