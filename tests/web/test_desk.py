"""The desk: who may ask for what, what is written down, and when a running service is asked instead of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App
from queuemgr.errors import ServiceNotRunning, ValidationError
from queuemgr.service.access.audit import entries
from queuemgr.service.desk import Desk, Visitor
from queuemgr.service.failures import Forbidden, Misused, NotFound
from queuemgr.service.operations.operation import Scope
from queuemgr.service.operations.table import OPERATIONS
from tests.host.rig import JOBS, Service

READER, OPERATOR, ADMIN = (Visitor(scope.name.lower(), scope, "cli") for scope in Scope)
JOB = {"request": {"task": "t.t"}}


def at(url: str, play: Callable[[Desk], Any], socket: Path | None = None, **settings: Any) -> Any:
    async def inside() -> Any:
        app = App(url)
        desk = Desk(app.aio, None, socket, **settings)
        try:
            return await play(desk)
        finally:
            await desk.close()
            await app.aio.store.close()

    return asyncio.run(inside())


async def written(desk: Desk) -> list[tuple[str, str, bool]]:
    found, _ = await entries(desk.client, 50)
    return [(one.who, one.operation, one.outcome["ok"]) for one in found]


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_nobody_does_more_than_their_scope_allows(name: str) -> None:
    operation = OPERATIONS[name]
    desk = Desk(None)  # type: ignore[arg-type]  # nothing is carried out
    for visitor in (READER, OPERATOR, ADMIN):
        if visitor.scope >= operation.scope:
            desk.require(operation, visitor)
        else:
            with pytest.raises(Forbidden, match=f"needs the scope {operation.scope.name.lower()}"):
                desk.require(operation, visitor)


def test_a_change_is_written_down_and_a_look_is_not(url: str) -> None:
    async def play(desk: Desk) -> list[tuple[str, str, bool]]:
        await desk.ask("jobs.enqueue", JOB, OPERATOR)
        await desk.ask("overview", {}, OPERATOR)
        with pytest.raises(NotFound):
            await desk.ask("queues.resume", {"names": ["none"]}, ADMIN)
        return await written(desk)

    assert at(url, play) == [("administer", "queues.resume", False), ("operate", "jobs.enqueue", True)]


def test_what_is_refused_or_makes_no_sense_changes_and_writes_nothing(url: str) -> None:
    async def play(desk: Desk) -> list[tuple[str, str, bool]]:
        with pytest.raises(Forbidden):
            await desk.ask("jobs.enqueue", JOB, READER)
        with pytest.raises(NotFound):
            await desk.ask("jobs.fly", {}, ADMIN)
        with pytest.raises(Misused):
            await desk.ask("jobs.enqueue", {}, ADMIN)
        with pytest.raises(ValidationError):
            await desk.ask("queues.pause", {"names": 5}, ADMIN)
        assert (await desk.ask("jobs.list", {"query": {}}, READER))["jobs"] == []
        return await written(desk)

    assert at(url, play) == []


def test_a_read_only_desk_lets_nobody_change_anything(url: str) -> None:
    async def play(desk: Desk) -> None:
        with pytest.raises(Forbidden, match="read-only"):
            await desk.ask("jobs.enqueue", JOB, ADMIN)
        await desk.ask("overview", {}, ADMIN)

    at(url, play, read_only=True)


def test_without_a_service_its_operations_say_how_to_start_it(url: str, tmp_path: Path) -> None:
    async def play(desk: Desk) -> None:
        with pytest.raises(ServiceNotRunning, match="service start"):
            await desk.ask("service.status", {}, READER)

    at(url, play, tmp_path / "none.sock")
    at(url, play)


def test_a_running_service_is_asked_for_its_own_jobs_whatever_the_store(url: str, tmp_path: Path) -> None:
    service = Service(tmp_path).begin()

    async def play(desk: Desk) -> list[tuple[str, str, bool]]:
        arguments = {"job_class": f"{JOBS}.Echo", "job_id": "a", "params": {"x": 1}, "start": True}
        await desk.ask("job.add", arguments, OPERATOR)
        ended = await desk.ask("job.wait", {"job_id": "a", "timeout": 20}, READER)
        assert (ended["status"], ended["result"]) == ("COMPLETED", {"x": 1})
        assert (await desk.ask("service.status", {}, READER))["total_jobs"] == 1
        return await written(desk)

    try:
        assert at(url, play, service.config.socket) == [("operate", "job.add", True)]
    finally:
        service.close()
