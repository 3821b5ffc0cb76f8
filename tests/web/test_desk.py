"""The desk: who may ask for what, what is written down, and when a running service is asked instead of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App
from queuemgr.errors import ServiceNotRunning, ValidationError
from queuemgr.service.access.audit import Entry, entries
from queuemgr.service.access.tokens import Tokens
from queuemgr.service.desk import REFUSALS, Desk, Visitor
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


def test_what_makes_no_sense_changes_and_writes_nothing(url: str) -> None:
    async def play(desk: Desk) -> list[tuple[str, str, bool]]:
        with pytest.raises(NotFound):
            await desk.ask("jobs.fly", {}, ADMIN)
        with pytest.raises(Misused):
            await desk.ask("jobs.enqueue", {}, ADMIN)
        with pytest.raises(ValidationError):
            await desk.ask("queues.pause", {"names": 5}, ADMIN)
        assert (await desk.ask("jobs.list", {"query": {}}, READER))["jobs"] == []
        return await written(desk)

    assert at(url, play) == []


def test_what_a_scope_does_not_allow_is_written_down_without_what_was_asked_with(url: str) -> None:
    async def play(desk: Desk) -> list[Entry]:
        for name, arguments in (("jobs.enqueue", JOB), ("audit.list", {"limit": 9}), ("tokens.list", {})):
            with pytest.raises(Forbidden):
                await desk.ask(name, arguments, READER)
        return (await entries(desk.client, 50))[0]

    found = at(url, play)
    assert [one.operation for one in found] == ["tokens.list", "audit.list", "jobs.enqueue"]
    assert {one.who for one in found} == {"read"}
    assert [one.arguments for one in found] == [{}, {}, {}]
    assert found[2].outcome["error"] == "Forbidden"
    assert "needs the scope operate" in found[2].outcome["message"]


def test_whoever_is_refused_often_fills_no_list(url: str) -> None:
    async def play(desk: Desk) -> list[tuple[str, str, bool]]:
        for _ in range(3 * REFUSALS):
            with pytest.raises(Forbidden):
                await desk.ask("jobs.enqueue", JOB, READER)
        return await written(desk)

    assert len(at(url, play)) == REFUSALS


def test_a_read_only_desk_writes_no_refusals(url: str) -> None:
    async def play(desk: Desk) -> list[tuple[str, str, bool]]:
        for name, arguments in (("jobs.enqueue", JOB), ("audit.list", {})):
            with pytest.raises(Forbidden):
                await desk.ask(name, arguments, READER)
        return await written(desk)

    assert at(url, play, read_only=True) == []


def test_tokens_are_those_of_the_file_that_the_face_was_started_with(url: str, tmp_path: Path) -> None:
    file = tmp_path / "other.json"

    async def play(desk: Desk) -> Any:
        await desk.ask("tokens.add", {"name": "ann"}, ADMIN)
        return await desk.ask("tokens.list", {}, ADMIN)

    told = at(url, play, token_file=file)
    assert (told["file"], [one["name"] for one in told["tokens"]]) == (str(file), ["ann"])
    assert [one.name for one in Tokens(file).all()] == ["ann"]


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
