"""The asynchronous queue: as many handlers at once as was said and never more, nothing lost, and metrics either way."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis.asyncio

from lara_queue import AsyncIOEventEmitter, AsyncQueue
from tests.dialects.laravel.application import Application
from tests.pace import quickest
from tests.servers.process import until_async

EMAIL = "App\\Jobs\\EmailJob"
Aio = Callable[..., AsyncQueue]


@pytest.fixture
def build(port: int, appname: str) -> Aio:
    def make(**options: Any) -> AsyncQueue:
        client = redis.asyncio.Redis(port=port)
        return AsyncQueue(**{"client": client, "queue": "python", "appname": appname, "retry_delay": 0, **options})

    return make


@pytest.mark.parametrize("lanes", [1, 20, 50])
def test_exactly_as_many_handlers_run_at_once_as_was_said(build: Aio, lanes: int) -> None:
    async def play() -> tuple[int, int]:
        queue = build(max_concurrent_jobs=lanes)
        running = most = done = 0
        full = asyncio.Event()

        @queue.handler
        async def handle(data: dict[str, Any]) -> None:
            nonlocal running, most, done
            running += 1
            most = max(most, running, queue._processing_jobs)
            if running == lanes:
                full.set()
            await full.wait()
            await asyncio.sleep(0.01)
            running -= 1
            done += 1
            if done == 3 * lanes + 10:
                queue.shutdown()

        for n in range(3 * lanes + 10):
            await queue.push(EMAIL, {"n": n})
        async with asyncio.timeout(60):
            await queue.listen()
        await queue.close()
        return most, done

    assert asyncio.run(play()) == (lanes, 3 * lanes + 10)


def test_what_waits_for_io_is_far_quicker_than_one_by_one(build: Aio) -> None:
    async def play() -> float:
        queue = build(max_concurrent_jobs=50)
        left = 200

        @queue.handler
        async def handle(data: dict[str, Any]) -> None:
            nonlocal left
            await asyncio.sleep(0.1)
            left -= 1
            if not left:
                queue.shutdown()

        for n in range(left):
            await queue.push(EMAIL, {"n": n})
        began = time.monotonic()
        await queue.listen()
        await queue.close()
        return time.monotonic() - began

    one_by_one = 200 * 0.1
    assert quickest(lambda: asyncio.run(play()), one_by_one / 10) < one_by_one / 10


def test_metrics_come_with_and_without_await(build: Aio) -> None:
    async def play() -> None:
        queue = build(enable_metrics=True)

        @queue.handler
        async def handle(data: dict[str, Any]) -> None:
            await asyncio.sleep(0.01)
            queue.shutdown()

        await queue.push(EMAIL, {"n": 1})
        await queue.listen()
        plain, awaited = queue.get_metrics(), await queue.get_metrics()
        assert plain["performance"]["throughput_per_second"] > 0
        assert plain["performance"]["avg_processing_time"] >= 0.009
        assert awaited is not None
        assert awaited["general"]["total_successful"] == plain["general"]["total_successful"] == 1
        assert await build(enable_metrics=False).get_metrics() is None
        await queue.close()

    asyncio.run(play())


def test_a_failure_is_tried_again_and_then_kept_and_sent_back(build: Aio) -> None:
    async def play() -> None:
        queue = build(max_retries=2, retry_jitter=False)
        attempts: list[int] = []

        @queue.handler
        async def handle(data: dict[str, Any]) -> None:
            attempts.append(data["attempts"])
            if len(attempts) < 3:
                raise KeyError("message")

        await queue.push(EMAIL, {"n": 1})
        listening = asyncio.create_task(queue.listen())
        await until_async(lambda: len(attempts) == 2)
        letters: list[dict[str, Any]] = []
        while not letters:
            letters = await queue.get_dead_letter_jobs()
        assert letters[0]["error"]["type"] == "KeyError"
        assert await queue.reprocess_dead_letter_job(letters[0])
        assert not await queue.reprocess_dead_letter_job(letters[0])
        await until_async(lambda: attempts == [0, 1, 0])
        queue.shutdown()
        await listening
        assert await queue.clear_dead_letter_queue() == 0
        await queue.close()

    asyncio.run(play())


def test_a_plain_handler_runs_beside_the_event_loop(build: Aio) -> None:
    async def play() -> None:
        queue = build(max_concurrent_jobs=2)
        together = threading.Barrier(2)

        @queue.handler
        def handle(data: dict[str, Any]) -> None:
            together.wait(60)
            if data["data"]["n"]:
                queue.shutdown()

        await queue.push(EMAIL, {"n": 0})
        await queue.push(EMAIL, {"n": 1})
        await queue.listen()
        assert queue.get_metrics()["general"]["total_successful"] == 2
        await queue.close()

    asyncio.run(play())


def test_more_plain_handlers_run_at_once_as_soon_as_more_may(build: Aio) -> None:
    async def play() -> None:
        queue = build(max_concurrent_jobs=1)
        together = threading.Barrier(3)

        @queue.handler
        def handle(data: dict[str, Any]) -> None:
            if data["data"]["n"] == 0:
                queue.max_concurrent_jobs = 3
                return
            together.wait(20)
            if data["data"]["n"] == 3:
                queue.shutdown()

        for n in range(4):
            await queue.push(EMAIL, {"n": n})
        await queue.listen()
        assert queue.get_metrics()["general"]["total_successful"] == 4
        await queue.close()

    asyncio.run(play())


def test_a_listener_that_is_cancelled_gives_its_jobs_back(build: Aio) -> None:
    async def play() -> None:
        queue = build()
        attempts: list[int] = []

        @queue.handler
        async def handle(data: dict[str, Any]) -> None:
            attempts.append(data["attempts"])
            if len(attempts) == 1:
                await asyncio.sleep(60)
            queue.shutdown()

        await queue.push(EMAIL, {"n": 1})
        listening = asyncio.create_task(queue.listen())
        await until_async(lambda: attempts)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        await queue.listen()
        assert attempts == [0, 0]
        await queue.close()

    asyncio.run(play())


def test_the_emitter_runs_coroutines_and_tells_of_their_errors() -> None:
    async def play() -> None:
        emitter, heard, errors = AsyncIOEventEmitter(), list[int](), list[BaseException]()

        @emitter.on("queued")
        async def listen(n: int) -> None:
            await asyncio.sleep(0)
            heard.append(n)
            if n == 2:
                raise ValueError

        emitter.on("error", errors.append)
        assert emitter.emit("queued", 1)
        assert emitter.emit("queued", 2)
        assert not emitter.emit("nothing")
        await emitter.wait_for_complete()
        assert heard == [1, 2]
        assert [type(error) for error in errors] == [ValueError]

    asyncio.run(play())


def test_sync_and_async_workers_run_side_by_side_and_every_job_once(
    build: Aio, make: Callable[..., Any], peer: Application
) -> None:
    async def play() -> list[int]:
        queue, other = build(queue="default"), make(queue="default")
        got: list[int] = []

        @other.handler
        @queue.handler
        def handle(data: dict[str, Any]) -> None:
            time.sleep(0.01)
            got.append(data["data"]["n"])

        for n in range(150):
            await queue.push(peer.task, {"n": n})
        thread = threading.Thread(target=other.listen)
        thread.start()
        listening = asyncio.create_task(queue.listen())
        got += [ran["n"] for ran in await asyncio.to_thread(peer.work)]
        await until_async(lambda: len(got) >= 150)
        other.shutdown()
        queue.shutdown()
        await listening
        await asyncio.to_thread(thread.join)
        await queue.close()
        return sorted(got)

    assert asyncio.run(play()) == list(range(150))
