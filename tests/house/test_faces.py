"""Every operation is offered by every face: Python, the command line, HTTP, OpenAPI and tools for agents.

That a verb of the command line really calls its operation is seen by calling it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
from click.testing import CliRunner

from queuemgr import App
from queuemgr.errors import ServiceNotRunning
from queuemgr.service.agents.tools import NOT_FOR_AGENTS, name_of, tools_for
from queuemgr.service.cli.asking import Asking
from queuemgr.service.cli.main import main
from queuemgr.service.operations.jobs import output_of
from queuemgr.service.operations.operation import Scope
from queuemgr.service.operations.table import OPERATIONS
from queuemgr.service.web.openapi import describe
from queuemgr.service.web.routes import Routes

CALLED = 97
"""The exit code of a command that has called its operation."""

APP = """
from queuemgr import App

app = App("sqlite:///shop.db")

@app.task(name="shop.add", attempts=1)
def add(a: int, b: int) -> int:
    return a + b
"""
# What is typed after the verb so that the operation is called; JOB is the id of a job that has ended.
TYPED = {
    "overview": ["--once"],
    "jobs.show": ["JOB"],
    "jobs.wait": ["JOB"],
    "jobs.why": ["JOB"],
    "jobs.arguments": ["JOB"],
    "jobs.result": ["JOB"],
    "jobs.output": ["JOB"],
    "jobs.count": ["--all"],
    "jobs.change": ["JOB"],
    "jobs.change_matching": ["--all", "--yes"],
    "jobs.prioritise": ["JOB", "--priority", "7"],
    "jobs.rerun": ["JOB"],
    "jobs.complete": ["state:"],
    "jobs.enqueue": ["shop.add", "1", "2"],
    "queues.pause": ["default"],
    "queues.resume": ["default"],
    "queues.limit": ["default", "3"],
    "queues.drain": ["default", "--yes"],
    "schedules.preview": ["pulse"],
    "schedules.add": ["beat", "every 10s", "shop.add", "1", "2"],
    "schedules.change": ["pulse", "every 20s"],
    "schedules.pause": ["pulse"],
    "schedules.run": ["pulse"],
    "schedules.remove": ["pulse"],
    "workers.quiet": ["--all", "--yes"],
    "workers.resume": ["--all", "--yes"],
    "workers.stop": ["--all", "--yes"],
    "job.add": ["Job", "name", "{}"],
    "job.page": ["2", "JOB"],
    "tokens.add": ["ann"],
    "tokens.remove": ["ann"],
    "alerts.add": ["oldest_wait > 60"],
    "alerts.remove": ["oldest_wait > 60"],
    "alerts.silence": ["oldest_wait > 60", "--for", "1h"],
}
BY_ITS_KEEPER = {"service.shutdown"}
"""Carried out by whatever keeps the service, systemd or its own command, which tells the daemon by a signal."""

BY_LINES = {"jobs.output": output_of}
"""Read by what the operation stands on, so that each line is there as soon as it was printed."""


def test_python_is_given_the_same_names(names: set[str]) -> None:
    assert names == {one.name for one in OPERATIONS.values()}
    assert all(inspect.iscoroutinefunction(one.function) for one in OPERATIONS.values())


def test_http_has_a_route_for_every_operation(names: set[str]) -> None:
    routes = [route for route in Routes().all if route.operation is not None and not route.older]
    assert {route.operation.name for route in routes if route.operation is not None} == names
    places = [(route.method, route.path) for route in routes]
    assert len(places) == len(set(places))


def test_openapi_describes_every_operation(names: set[str]) -> None:
    document = describe(Routes().all, "/")
    described = {told["operationId"] for path in document["paths"].values() for told in path.values()}
    assert names <= described
    json.dumps(document)


def test_agents_have_a_tool_for_every_operation_but_those_of_tokens(names: set[str]) -> None:
    """Whoever makes a token decides who may come in, and reads its secret: both are for people."""
    tools = tools_for(Scope.ADMINISTER)
    assert {name for name in names if name.startswith("tokens.")} == NOT_FOR_AGENTS
    assert {tool.operation.name for tool in tools.values()} == names - NOT_FOR_AGENTS
    assert set(tools) == {name_of(one) for name, one in OPERATIONS.items() if name not in NOT_FOR_AGENTS}
    json.dumps([tool.schema for tool in tools.values()])


def test_agents_are_told_what_every_tool_answers() -> None:
    for tool in tools_for(Scope.ADMINISTER).values():
        assert tool.output["type"] == "object", tool.name
        assert tool.operation.result.__name__ in tool.output["$defs"]
        jsonschema.Draft202012Validator.check_schema(tool.output)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_command_line_has_the_verb(name: str) -> None:
    command = _command(OPERATIONS[name].verb)
    options = [word for word in OPERATIONS[name].verb.split() if word.startswith("-")]
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(options) <= known
    assert command.help


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in BY_ITS_KEEPER])
def test_the_verb_calls_the_operation(name: str, store: str, ended: str, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = OPERATIONS[name]
    asked = _record_what_the_service_is_asked(monkeypatch, store)
    words = [ended if word == "JOB" else word for word in (*operation.verb.split(), *TYPED.get(name, ()))]
    if name.startswith(("job.", "service.")):
        words += ["name"] if _wants_a_name(operation.verb) and name not in TYPED else []
    with _in_its_stead(BY_LINES.get(name, operation.function)):
        result = CliRunner().invoke(main, words, env={"QUEUEMGR_STORE": store, "QUEUEMGR_APP": "faces_shop:app"})
    told = f"queuemgr {' '.join(words)} does not call {name} (what follows the verb is in TYPED): {result.output}"
    assert name in asked or result.exit_code == CALLED, told


def test_every_word_typed_here_is_for_an_operation() -> None:
    assert set(TYPED) | BY_ITS_KEEPER <= set(OPERATIONS)


@pytest.fixture
def names() -> set[str]:
    return set(OPERATIONS)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with a job that has ended, a schedule and an app beside it; the rest of the machine is not seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("QUEUEMGR_TOKEN_FILE", str(tmp_path / "tokens.json"))
    monkeypatch.setattr("queuemgr.service.cli.session.somebody_can_answer", lambda: False)
    (tmp_path / "faces_shop.py").write_text(APP)
    monkeypatch.delitem(sys.modules, "faces_shop", raising=False)
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def ended(store: str, tmp_path: Path) -> str:
    app = App(store)

    @app.task(name="shop.add", attempts=1)
    def add(a: int, b: int) -> int:
        return a + b

    async def scene() -> str:
        handle = await add.aenqueue(1, 2)
        await app.worker(burst=True).run()
        await app.aio.schedule("pulse", "every 10s", add.call(1, 2))
        await _pass_for_a_worker(app)
        await app.aio.store.close()
        return handle.id

    found = asyncio.run(scene())
    app.close()
    return found


async def _pass_for_a_worker(app: App) -> None:
    import os
    import time

    from queuemgr.liveness import birth_of, this_host
    from queuemgr.store import WorkerInfo

    now, pid = time.time(), os.getpid()
    info = WorkerInfo(id="w1", host=this_host(), pid=pid, birth=birth_of(pid) or 0, started_at=now, beat_at=now)
    await app.aio.store.join(info)


def _command(verb: str) -> click.Command:
    command: click.Command | None = main
    for word in verb.split():
        if word.startswith("-"):
            continue
        assert isinstance(command, click.Group), verb
        command = command.get_command(click.Context(command), word)
        assert command is not None, f"there is no verb {verb!r}"
    assert command is not None
    assert not isinstance(command, click.Group) or command.invoke_without_command, verb
    return command


def _wants_a_name(verb: str) -> bool:
    return any(isinstance(parameter, click.Argument) for parameter in _command(verb).params)


def _record_what_the_service_is_asked(monkeypatch: pytest.MonkeyPatch, store: str) -> set[str]:
    """The names of the operations; what verbs look at before they call theirs is answered."""
    answers = {"jobs.list": {"jobs": []}, "job.status": {"result": None}, "service.status": {"store": store}}
    asked: set[str] = set()

    def call(self: Asking, operation: str, **_: Any) -> Any:
        asked.add(operation)
        if operation not in answers:
            raise ServiceNotRunning("nobody is asked here")
        return answers[operation]

    monkeypatch.setattr(Asking, "call", call)
    return asked


@contextmanager
def _in_its_stead(function: Callable[..., Any]) -> Iterator[None]:
    """Whoever calls the function within the context, by whatever way he came to it, ends the command with CALLED."""

    # Its code will run among the function's own globals, which do not know CALLED.
    async def asked(*_: Any, **__: Any) -> None:
        raise SystemExit(97)

    async def asked_for_lines(*_: Any, **__: Any) -> AsyncIterator[None]:
        raise SystemExit(97)
        yield

    code, signature = function.__code__, inspect.signature(function)
    stand_in = asked_for_lines if inspect.isasyncgenfunction(function) else asked
    function.__code__, function.__signature__ = stand_in.__code__, signature  # type: ignore[attr-defined]
    try:
        yield
    finally:
        function.__code__ = code
        del function.__signature__  # type: ignore[attr-defined]
