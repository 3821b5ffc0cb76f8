"""Events: what viewers get, when they get nothing, and what is left when they go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from queuemgr.service.web import asgi, live
from queuemgr.service.web.asgi import send_response
from queuemgr.service.web.live import ALIVE, RETRY, Hub
from queuemgr.service.web.request import Response
from tests.web.rig import Server


class Source:
    """Facts that a test changes, and how often they were asked for."""

    def __init__(self) -> None:
        self.value: Any = 0
        self.looks = 0

    async def __call__(self) -> dict[str, Any]:
        self.looks += 1
        if isinstance(self.value, Exception):
            raise self.value
        return {"at": self.looks, "value": self.value}


def scene(play: Callable[[Hub, Source], Any]) -> None:
    async def inside() -> None:
        hub = Hub()
        await asyncio.wait_for(play(hub, Source()), 20)
        names = [task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}]
        assert [name for name in names if "topic" in name] == []
        assert (hub.topics, hub.viewers) == ([], 0)

    asyncio.run(inside())


async def begin(hub: Hub, topics: dict[str, Any], last: str = "") -> AsyncIterator[bytes]:
    stream = hub.follow(topics, last)
    assert await anext(stream) == RETRY
    return stream


def read(event: bytes) -> tuple[str, str, Any]:
    number, name, data = event.decode().strip().split("\n")
    return number.removeprefix("id: "), name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def close(*streams: Any) -> None:
    for stream in streams:
        await stream.aclose()
    await asyncio.sleep(0)


def test_a_viewer_gets_what_is_and_then_what_changes() -> None:
    async def play(hub: Hub, source: Source) -> None:
        stream = await begin(hub, {"t?a=1": source})
        number, name, facts = read(await anext(stream))
        assert (name, facts["value"]) == ("t?a=1", 0)
        source.value = 1
        later, _, facts = read(await anext(stream))
        assert facts["value"] == 1
        assert later != number
        await close(stream)

    scene(play)


def test_nothing_is_told_where_only_the_moment_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "COMMENT", 0.3)
    monkeypatch.setattr(live, "EVERY", 0.01)

    async def play(hub: Hub, source: Source) -> None:
        stream = await begin(hub, {"t": source})
        await anext(stream)
        assert await anext(stream) == ALIVE
        assert source.looks > 3
        await close(stream)

    scene(play)


def test_a_hundred_viewers_cost_one_look_and_one_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    original = live.encode_event

    def encode(number: str, name: str, facts: Any) -> bytes:
        encoded.append(name)
        return original(number, name, facts)

    monkeypatch.setattr(live, "encode_event", encode)

    async def play(hub: Hub, source: Source) -> None:
        streams = [await begin(hub, {"t": source}) for _ in range(100)]
        waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
        events = await asyncio.gather(*waiting)
        assert len({id(event) for event in events}) == 1
        assert (source.looks, len(encoded)) == (1, 1)
        assert hub.viewers == 100
        await close(*streams)

    scene(play)


def test_whoever_comes_later_gets_the_same_at_once() -> None:
    async def play(hub: Hub, source: Source) -> None:
        first = await begin(hub, {"t": source})
        told = await anext(first)
        second = await begin(hub, {"t": source})
        assert await anext(second) == told
        assert source.looks == 1
        await close(first, second)

    scene(play)


def test_a_viewer_that_comes_back_gets_nothing_where_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "COMMENT", 0.4)

    async def play(hub: Hub, source: Source) -> None:
        stream = await begin(hub, {"t": source})
        last = read(await anext(stream))[0]
        await close(stream)
        stream = await begin(hub, {"t": source}, last)
        assert await anext(stream) == ALIVE
        await close(stream)
        source.value = "other"
        stream = await begin(hub, {"t": source}, last)
        assert read(await anext(stream))[2]["value"] == "other"
        await close(stream)
        stream = await begin(hub, {"t": source}, "0badcafe-17")
        assert read(await anext(stream))[2]["value"] == "other"
        await close(stream)

    scene(play)


def test_one_that_reads_slowly_skips_to_the_latest_and_in_order() -> None:
    async def play(hub: Hub, source: Source) -> None:
        viewer = live.Viewer()
        for number in range(1000):
            viewer.push("a", b"a%d " % number)
            viewer.push("b", b"b%d " % number)
        viewer.push("a", b"a last ")
        assert await viewer.next() == b"b999 a last "

    scene(play)


def test_an_error_is_an_event_and_the_topic_goes_on() -> None:
    async def play(hub: Hub, source: Source) -> None:
        source.value = KeyError("gone")
        stream = await begin(hub, {"t": source})
        _, name, facts = read(await anext(stream))
        assert (name, facts["topic"], facts["status"]) == ("problem", "t", 500)
        source.value = 3
        hub.wake()
        assert read(await anext(stream))[1] == "t"
        await close(stream)

    scene(play)


def test_a_viewer_that_disconnects_leaves_nothing_behind() -> None:
    async def play(hub: Hub, source: Source) -> None:
        sent: list[bytes] = []
        gone = asyncio.Event()

        async def send(message: Any) -> None:
            sent.append(message.get("body", b""))
            if b"event: t" in sent[-1]:
                gone.set()

        async def receive() -> Any:
            await gone.wait()
            return {"type": "http.disconnect"}

        await send_response(Response(body=hub.follow({"t": source}), live=True), send, receive)
        await asyncio.sleep(0)
        assert len(sent) == 3

    scene(play)


def test_a_viewer_that_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "PATIENCE", 0.05)

    async def play(hub: Hub, source: Source) -> None:
        async def send(message: Any) -> None:
            if b"event: t" in message.get("body", b""):
                await asyncio.Event().wait()

        async def receive() -> Any:
            await asyncio.Event().wait()

        await send_response(Response(body=hub.follow({"t": source}), live=True), send, receive)
        await asyncio.sleep(0)

    scene(play)


def test_closing_the_hub_ends_every_stream() -> None:
    async def play(hub: Hub, source: Source) -> None:
        stream = await begin(hub, {"t": source, "u": source})
        await anext(stream)
        hub.close()
        assert [chunk async for chunk in stream if not chunk.startswith(b"id")] == []
        await asyncio.sleep(0)

    scene(play)


def test_a_change_is_told_to_all_viewers_of_a_server_within_a_second(server: Server) -> None:
    topics = "topic=overview&topic=jobs.list%3Flimit%3D5"
    with server.follow(topics) as one, server.follow(topics) as two:
        for stream in (one, two):
            assert {stream.next()["event"], stream.next()["event"]} == {"overview", "jobs.list?limit=5"}
        server.ask("POST", "/api/v1/jobs", {"task": "shop.pack"})
        for stream in (one, two):
            event = next(event for event in stream if event["event"] == "jobs.list?limit=5")
            assert json.loads(event["data"])["jobs"][0]["task"] == "shop.pack"


def test_a_server_stops_at_once_though_viewers_are_there(server: Server) -> None:
    with server.follow("topic=overview") as stream:
        stream.next()
        server.process.terminate()
        assert server.process.wait(4) in (0, -15)
        assert list(stream) == []
    assert "Traceback" not in server.log
