"""Processes to fork from that are replaced while their jobs run, and that refuse to be closed then."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest

from queuemgr.outcome import Done, Outcome
from queuemgr.service.host.processes import Processes
from tests.executors.calls import make_call

if TYPE_CHECKING:
    from queuemgr.executor import Call


class Stubborn:
    """An executor whose runs end when they are let go, and that cannot be closed."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.closes = 0

    async def open(self) -> None: ...

    async def run(self, call: Call) -> Outcome:
        self.begun.set()
        await self.go_on.wait()
        return Done(b"42")

    async def close(self) -> None:
        self.closes += 1
        raise OSError("no such process")


def test_a_job_that_is_done_stays_done_where_its_processes_cannot_be_closed(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> tuple[Outcome, list[int]]:
        made: list[Stubborn] = []

        def make(*_: object) -> Any:
            made.append(Stubborn())
            return made[-1]

        processes = Processes(cast("Any", make))
        running = asyncio.create_task(processes.run(make_call(print)))
        await made[0].begun.wait()
        await processes.reload()
        made[0].go_on.set()
        outcome = await running
        await processes.reload()
        await processes.close()
        return outcome, [one.closes for one in made]

    with caplog.at_level(logging.WARNING, "queuemgr.service"):
        assert asyncio.run(main()) == (Done(b"42"), [1, 1, 1])
    assert [record.exc_info is not None for record in caplog.records] == [True] * 3
