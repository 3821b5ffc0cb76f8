"""What viewers follow: each topic is asked for once, however many look, and told to all where it changed.

It keeps no history: whoever was away gets what is now, or nothing where nothing changed meanwhile.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING, Any

from .problems import document_of
from .request import encode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    Fetch = Callable[[], Awaitable[Mapping[str, Any]]]

EVERY = 0.25
"""Seconds between two looks at a topic. Longer pauses while nothing changes would tell the next change too late."""

SHARE = 3.0
"""A look that takes long is followed by a pause so many times as long."""

COMMENT = 15.0
REMEMBERED = 256
RETRY = b"retry: 2000\n\n"
ALIVE = b": alive\n\n"


@dataclass(slots=True)
class Topic:
    """`number` is that of the event in which it was last told, `digest` what that event said."""

    name: str
    fetch: Fetch
    viewers: set[Viewer] = field(default_factory=set)
    event: bytes = b""
    number: int = 0
    digest: bytes = b""
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Viewer:
    """One connection. Of each topic it holds the latest event alone: who reads slowly skips, and nothing piles up."""

    def __init__(self) -> None:
        self._waiting: dict[str, bytes] = {}
        self._rung = asyncio.Event()
        self.over = False

    def push(self, topic: str, event: bytes) -> None:
        # Taken out first, so that events leave in the order of their numbers.
        self._waiting.pop(topic, None)
        self._waiting[topic] = event
        self._rung.set()

    def end(self) -> None:
        self.over = True
        self._rung.set()

    async def next(self) -> bytes:
        """What there is to send, a comment after COMMENT seconds without; empty at the end."""
        try:
            async with asyncio.timeout(COMMENT):
                await self._rung.wait()
        except TimeoutError:
            return ALIVE
        self._rung.clear()
        events, self._waiting = self._waiting, {}
        return b"" if self.over else b"".join(events.values())


class Hub:
    """All topics that somebody looks at."""

    def __init__(self) -> None:
        self._epoch = secrets.token_hex(4)
        self._numbers = count(1)
        self._topics: dict[str, Topic] = {}
        self._remembered: dict[str, tuple[bytes, int]] = {}

    @property
    def viewers(self) -> int:
        return len({viewer for topic in self._topics.values() for viewer in topic.viewers})

    @property
    def topics(self) -> list[str]:
        return sorted(self._topics)

    async def follow(self, topics: Mapping[str, Fetch], last: str = "") -> AsyncGenerator[bytes, None]:
        """Events of these topics until the reader goes or the hub closes; `last` is the id of the one it saw last."""
        viewer, seen = Viewer(), self._number_in(last)
        yield RETRY
        try:
            for name, fetch in topics.items():
                self._join(name, fetch, viewer, seen)
            while chunk := await viewer.next():
                yield chunk
        finally:
            for name in topics:
                self._leave(name, viewer)

    def wake(self) -> None:
        """Something was changed here: look at once."""
        for topic in self._topics.values():
            topic.rung.set()

    def close(self) -> None:
        """Every stream ends."""
        for viewer in {viewer for topic in self._topics.values() for viewer in topic.viewers}:
            viewer.end()

    def _number_in(self, last: str) -> int:
        epoch, _, number = last.partition("-")
        return int(number) if epoch == self._epoch and number.isdigit() else 0

    def _join(self, name: str, fetch: Fetch, viewer: Viewer, seen: int) -> None:
        topic = self._topics.get(name)
        if topic is None:
            digest, number = self._remembered.pop(name, (b"", 0))
            topic = self._topics[name] = Topic(name, fetch, digest=digest, number=number)
            topic.task = asyncio.get_running_loop().create_task(self._poll(topic), name=f"queuemgr topic {name}")
        topic.viewers.add(viewer)
        if not seen or topic.number > seen:
            # Whoever has not seen the last event gets it, or the first one that comes.
            if topic.event:
                viewer.push(name, topic.event)
            elif topic.digest:
                topic.digest = b""
                topic.rung.set()

    def _leave(self, name: str, viewer: Viewer) -> None:
        topic = self._topics.get(name)
        if topic is None:
            return
        topic.viewers.discard(viewer)
        if not topic.viewers:
            del self._topics[name]
            if topic.task is not None:
                topic.task.cancel()
            self._remembered[name] = (topic.digest, topic.number)
            while len(self._remembered) > REMEMBERED:
                del self._remembered[next(iter(self._remembered))]

    async def _poll(self, topic: Topic) -> None:
        while True:
            began = time.monotonic()
            self._tell(topic, *await _look(topic))
            took = time.monotonic() - began
            with suppress(TimeoutError):
                async with asyncio.timeout(max(EVERY - took, SHARE * took)):
                    await topic.rung.wait()
            topic.rung.clear()

    def _tell(self, topic: Topic, name: str, facts: Mapping[str, Any]) -> None:
        digest = _digest(facts)
        if digest == topic.digest:
            return
        topic.digest, topic.number = digest, next(self._numbers)
        topic.event = encode_event(f"{self._epoch}-{topic.number}", name, facts)
        for viewer in topic.viewers:
            viewer.push(topic.name, topic.event)


def encode_event(number: str, name: str, facts: Any) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (number.encode(), name.encode(), encode(facts))


async def _look(topic: Topic) -> tuple[str, Mapping[str, Any]]:
    """The name of the event, and what it says."""
    try:
        return topic.name, await topic.fetch()
    except Exception as error:
        return "problem", {"topic": topic.name, **document_of(error)}


def _digest(facts: Mapping[str, Any]) -> bytes:
    """Of everything but the moment."""
    told = {name: value for name, value in facts.items() if name != "at"}
    return blake2b(encode(told), digest_size=16).digest()
