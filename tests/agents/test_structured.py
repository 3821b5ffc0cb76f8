"""A real client holds what a real server answers against the schemas that the server told; those test it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from queuemgr import App
from queuemgr.service.agents.tools import tools_for
from queuemgr.service.desk import Desk
from queuemgr.service.operations.operation import Scope

from .rig import on_http, on_standard, run, served

WIDE = {f"key {number}": "x" * 100 for number in range(1000)}


def _kinds(tool: Any) -> list[str]:
    """The types of which an answer may be, as its schema names them."""
    return [one["$ref"].rpartition("/")[2] for one in tool.output_schema["anyOf"] if "$ref" in one]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_tool_tells_what_it_answers_in_a_schema_whose_root_is_an_object(
    app: App, tmp_path: Path, mode: str
) -> None:
    async def scene() -> dict[str, Any]:
        async with served(app, tmp_path, Scope.ADMINISTER) as url, on_http(url, mode=mode) as agent:
            return await agent.tools()

    listed = run(scene)
    for name, tool in tools_for(Scope.ADMINISTER).items():
        assert listed[name].output_schema == tool.output
        assert listed[name].output_schema["type"] == "object"
        assert _kinds(listed[name]) == [tool.operation.result.__name__, "Beginning"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_looks_are_answered_as_values_and_as_text(app: App, tmp_path: Path, mode: str) -> None:
    asked: dict[str, dict[str, Any]] = {
        "overview": {},
        "jobs_list": {"query": {"states": ["dead"]}},
        "jobs_show": {"job_id": "last"},
        "jobs_why": {"job_id": "last"},
        "failures_list": {},
        "queues_list": {},
        "tasks_list": {},
        "metrics": {},
    }

    async def scene() -> None:
        async with on_standard(app, tmp_path, mode=mode) as agent:
            for tool, arguments in asked.items():
                answer = await agent.client.call_tool(tool, arguments)
                assert not answer.is_error, answer
                assert isinstance(answer.structured_content, dict)
            jobs = (await agent.client.call_tool("jobs_list", {})).structured_content["jobs"]
            assert sorted(job["state"] for job in jobs) == ["dead", "dead", "ready"]

    run(scene)


def test_a_change_fits_the_schema_of_its_tool_when_it_is_shown_and_when_it_is_done(app: App, tmp_path: Path) -> None:
    asked: dict[str, dict[str, Any]] = {
        "jobs_change_matching": {"verb": "retry", "query": {"states": ["dead"]}},
        "queues_pause": {"names": ["default"]},
        "jobs_enqueue": {"task": "shop.add", "arguments": [1, 2]},
        "schedules_add": {"name": "pulse", "rule": "every 1h", "task": "shop.add", "arguments": [1, 2]},
        "queues_drain": {"names": ["default"]},
    }

    async def scene() -> None:
        async with on_standard(app, tmp_path, "--allow", "operate") as agent:
            for tool, arguments in asked.items():
                would = await agent.client.call_tool(tool, arguments)
                assert would.structured_content["done"] is False
                code = would.structured_content["confirm"]
                done = await agent.client.call_tool(tool, {**arguments, "confirm": code})
                assert not done.is_error, done
                assert "done" not in done.structured_content

    run(scene)


def test_an_error_has_its_text_alone(app: App, tmp_path: Path) -> None:
    async def scene() -> None:
        async with on_standard(app, tmp_path) as agent:
            answer = await agent.client.call_tool("jobs_show", {"job_id": "nobody"})
            assert answer.is_error
            assert answer.structured_content is None
            assert '"hint":"queuemgr jobs list"' in answer.content[0].text

    run(scene)


def test_an_answer_that_was_cut_fits_the_schema_of_its_tool(app: App, tmp_path: Path) -> None:
    @app.task(name="shop.pack")
    def pack(items: list[str]) -> None: ...

    async def scene() -> None:
        await app.aio.enqueue_many([pack.call(["x" * 100] * 400) for _ in range(100)])
        await app.aio.store.close()
        async with on_standard(app, tmp_path) as agent:
            listed = (await agent.client.call_tool("jobs_list", {"limit": 100})).structured_content
            assert len(listed["jobs"]) < 100
            assert listed["cut"]["jobs"].endswith(" of 100")
            held = (await agent.client.call_tool("jobs_arguments", {"job_id": "last"})).structured_content
            assert held["cut"]["positional.0"].endswith(" of 400"), "it is a word of those answers, too"

    run(scene)


def test_an_answer_of_which_there_is_only_the_beginning_fits_the_schema_of_its_tool(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wide(*_: Any) -> Any:
        return {"id": "x", "state": "succeeded", "size": 1, "kind": "dict", "value": WIDE}

    async def scene() -> None:
        monkeypatch.setattr(Desk, "ask", wide)
        async with served(app, tmp_path, Scope.READ) as url, on_http(url) as agent:
            answer = (await agent.client.call_tool("jobs_result", {"job_id": "x"})).structured_content
            assert set(answer) == {"cut", "begins"}

    run(scene)


def test_a_client_refuses_what_does_not_fit(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So nothing that these tests are answered is of another form than was told."""

    async def odd(*_: Any) -> Any:
        return {"at": 1.0, "queues": [{"name": 7}]}

    async def scene() -> None:
        monkeypatch.setattr(Desk, "ask", odd)
        async with served(app, tmp_path, Scope.READ) as url, on_http(url) as agent:
            with pytest.raises(RuntimeError, match="Invalid structured content returned by tool queues_list"):
                await agent.client.call_tool("queues_list", {})

    run(scene)
