"""The worker's event loop: its timers ring on time, and whatever asyncio was told to use instead is kept."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Callable

import pytest

from queuemgr.loop import SELECTABLE, new_loop, put_last_first


def test_a_short_sleep_is_not_rounded_up_to_a_millisecond() -> None:
    async def sleeps() -> list[float]:
        began = time.perf_counter()
        ends = []
        for _ in range(40):
            await asyncio.sleep(0.0002)
            ends.append(time.perf_counter())
        return [end - start for start, end in zip([began, *ends], ends, strict=False)]

    with asyncio.Runner(loop_factory=new_loop) as loop:
        lengths = loop.run(sleeps())
    assert 0.0002 <= min(lengths) < 0.001


def test_what_is_ready_ends_the_wait() -> None:
    async def first_line() -> bytes:
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as there, os.fdopen(writing, "wb", buffering=0) as here:
            reader = asyncio.StreamReader()
            loop = asyncio.get_running_loop()
            transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), there)
            loop.call_later(0.001, here.write, b"now\n")
            try:
                return await asyncio.wait_for(reader.readline(), 30)
            finally:
                transport.close()

    with asyncio.Runner(loop_factory=new_loop) as loop:
        assert loop.run(first_line()) == b"now\n"


@pytest.mark.parametrize(
    ("make", "order"),
    [(new_loop, ["next", "first", "second"]), (asyncio.SelectorEventLoop, ["first", "second", "next"])],
)
def test_what_became_ready_last_can_come_first_on_the_workers_own_loop(
    make: Callable[[], asyncio.AbstractEventLoop], order: list[str]
) -> None:
    came: list[str] = []

    async def come(name: str) -> None:
        came.append(name)

    async def all_of_them() -> None:
        tasks = [asyncio.create_task(come(name)) for name in ("first", "second", "next")]
        put_last_first()
        await asyncio.gather(*tasks)

    with asyncio.Runner(loop_factory=make) as loop:
        loop.run(all_of_them())
    assert came == order


def test_a_loop_beyond_the_reach_of_select_still_runs() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * SELECTABLE)), hard))
    held = [os.dup(0) for _ in range(SELECTABLE)]
    try:
        with asyncio.Runner(loop_factory=new_loop) as loop:
            loop.run(asyncio.sleep(0.001))
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_loop_of_somebody_elses_making_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Theirs(asyncio.SelectorEventLoop):
        pass

    monkeypatch.setattr(asyncio, "new_event_loop", Theirs)
    loop = new_loop()
    assert type(loop) is Theirs
    loop.close()
