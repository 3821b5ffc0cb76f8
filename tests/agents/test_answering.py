"""What an agent is answered: codes, limits, sizes, errors and previews, at a desk of its own without a protocol."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from queuemgr import App, Secret
from queuemgr.service.agents.answering import Answer, Answering
from queuemgr.service.agents.bounding import LIMIT, bounded
from queuemgr.service.agents.codes import LIFE, Codes, Unconfirmed
from queuemgr.service.agents.rates import Rates
from queuemgr.service.agents.tools import LONGEST_WAIT, tool_of, tools_for
from queuemgr.service.desk import Desk, Visitor
from queuemgr.service.failures import Misused
from queuemgr.service.operations.operation import Scope
from queuemgr.service.operations.table import OPERATIONS

from .rig import run

ANN = Visitor("ann", Scope.ADMINISTER, "mcp")
TOO_DEEP = 1_000_000  # from Python 3.14 on only the size of the stack bounds what C code may read


@dataclass(slots=True)
class Turned:
    """A clock that tests turn."""

    moment: float = 1000.0

    def now(self) -> float:
        return self.moment

    def monotonic(self) -> float:
        return self.moment


@dataclass(slots=True)
class Talk:
    answering: Answering
    clock: Turned = field(default_factory=Turned)

    async def say(self, tool: str, **arguments: Any) -> Answer:
        return await self.answering.call(tool, arguments, ANN)

    async def do(self, tool: str, **arguments: Any) -> Answer:
        """Look first, then confirm."""
        would = await self.say(tool, **arguments)
        assert not would.failed, would.text
        return await self.say(tool, **arguments, confirm=would.facts["confirm"])


@asynccontextmanager
async def talking(app: App, **settings: Any) -> AsyncIterator[Talk]:
    clock = Turned()
    desk = Desk(app.aio, app)
    yield Talk(Answering(desk, clock, **settings), clock)
    await desk.close()
    await app.aio.store.close()


@pytest.fixture
def talk(app: App) -> Callable[..., None]:
    """Plays a scene with somebody who may do everything."""

    def play(scene: Callable[[Talk], Any], **settings: Any) -> None:
        async def inside() -> None:
            async with talking(app, **settings) as it:
                await scene(it)

        run(inside)

    return play


def test_a_changed_argument_voids_the_code(talk: Callable[..., None], app: App) -> None:
    async def scene(it: Talk) -> None:
        would = await it.say("jobs_change_matching", verb="hold", query={"queue": "default"})
        for changed in ({"verb": "delete", "query": {"queue": "default"}}, {"verb": "hold", "query": {}}):
            refused = await it.say("jobs_change_matching", **changed, confirm=would.facts["confirm"])
            assert refused.failed
            assert refused.facts["error"] == "Unconfirmed"
        assert [queue.counts for queue in await app.aio.queues()]
        done = await it.say(
            "jobs_change_matching", verb="hold", query={"queue": "default"}, confirm=would.facts["confirm"]
        )
        assert done.facts["changed"] == 1

    talk(scene)


def test_a_code_is_over_after_ten_minutes(talk: Callable[..., None]) -> None:
    async def scene(it: Talk) -> None:
        would = await it.say("queues_pause", names=["default"])
        it.clock.moment += LIFE
        refused = await it.say("queues_pause", names=["default"], confirm=would.facts["confirm"])
        assert refused.failed
        assert "older than 10 minutes" in refused.facts["message"]
        assert (await it.do("queues_pause", names=["default"])).facts["paused"]

    talk(scene)


@pytest.mark.parametrize("code", ["", "x", "1.2.3", "ffffffff.0.ffffffff", "é.é", "0" * 10_000])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(Unconfirmed):
        Codes(Turned()).spend(code, "ann", "queues.pause", {})


def test_a_code_of_another_process_is_refused() -> None:
    clock = Turned()
    code = Codes(clock).issue("ann", "queues.pause", {})
    with pytest.raises(Unconfirmed):
        Codes(clock).spend(code, "ann", "queues.pause", {})


def test_calls_in_a_minute_are_bounded(talk: Callable[..., None]) -> None:
    async def scene(it: Talk) -> None:
        for _ in range(3):
            assert not (await it.say("queues_list")).failed
        refused = await it.say("queues_list")
        assert refused.failed
        assert refused.facts["error"] == "TooManyAttempts"
        assert refused.facts["hint"] == "try again in 20 s"
        assert not (await it.answering.call("queues_list", {}, Visitor("bob", Scope.READ, "mcp"))).failed
        it.clock.moment += 20
        assert not (await it.say("queues_list")).failed

    talk(scene, rates=Rates(calls=3))


def test_changes_in_a_minute_are_bounded_while_looks_go_on(talk: Callable[..., None]) -> None:
    async def scene(it: Talk) -> None:
        assert not (await it.do("queues_pause", names=["default"])).failed
        refused = await it.do("queues_resume", names=["default"])
        assert refused.failed
        assert "may change something by tools 1 times" in refused.facts["message"]
        assert (await it.say("queues_list")).facts["queues"][0]["paused"]

    talk(scene, rates=Rates(changes=1))


def test_a_code_that_came_too_early_can_be_used_later(talk: Callable[..., None]) -> None:
    async def scene(it: Talk) -> None:
        await it.do("queues_pause", names=["default"])
        would = await it.say("queues_resume", names=["default"])
        assert (await it.say("queues_resume", names=["default"], confirm=would.facts["confirm"])).failed
        it.clock.moment += 60
        done = await it.say("queues_resume", names=["default"], confirm=would.facts["confirm"])
        assert done.facts == {"queues": ["default"], "paused": False}

    talk(scene, rates=Rates(changes=1))


def test_errors_say_what_to_do_next(talk: Callable[..., None]) -> None:
    async def scene(it: Talk) -> None:
        missing = await it.say("jobs_show", job_id="nobody")
        assert missing.failed
        assert missing.facts["hint"] == "queuemgr jobs list"
        wrong = await it.say("jobs_list", limits=3)
        assert "did you mean 'limit'?" in wrong.facts["message"]
        unknown = await it.say("job_list_all")
        assert "there is no tool 'job_list_all'" in unknown.facts["message"]
        verb = await it.say("jobs_change", verb="explode", job_ids=["x"])
        assert verb.failed
        assert "'explode'" in verb.facts["message"]
        assert (await it.say("queues_pause", names=["nothing"])).facts["error"] == "NotFound"

    talk(scene)


def test_what_is_wrong_inside_is_not_told_to_the_agent(
    talk: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(*_: Any) -> None:
        raise RuntimeError("password=hunter2")

    async def scene(it: Talk) -> None:
        monkeypatch.setattr(Desk, "ask", breaks)
        told = await it.say("overview")
        assert told.failed
        assert "hunter2" not in told.text
        assert "hunter2" in caplog.text

    talk(scene)


def test_nothing_is_changed_by_a_look_at_what_would_be(talk: Callable[..., None], app: App) -> None:
    asked = {
        "jobs_change": {"verb": "delete", "job_ids": ["last", "nobody"]},
        "jobs_change_matching": {"verb": "delete", "query": {}},
        "jobs_prioritise": {"query": {"queue": "default"}, "priority": 9},
        "jobs_rerun": {"job_id": "last"},
        "jobs_enqueue": {"task": "shop.add", "arguments": [1, 2]},
        "queues_pause": {"names": ["default", "later"], "new": True},
        "queues_resume": {"names": ["default"]},
        "queues_drain": {"names": ["default"]},
        "schedules_add": {"name": "s", "rule": "every 10s", "task": "shop.add", "arguments": [1, 2]},
        "store_prune": {},
    }

    async def scene(it: Talk) -> None:
        before = [queue.counts for queue in await app.aio.queues()]
        for tool, arguments in asked.items():
            would = await it.say(tool, **arguments)
            assert not would.failed, would.text
            assert would.facts["done"] is False
            assert would.facts["would"]
        assert [queue.counts for queue in await app.aio.queues()] == before
        assert not await app.aio.schedules()

    talk(scene)


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("queues_pause", {"names": []}, "queues.pause was given no queue"),
        ("queues_drain", {"names": []}, "queues.drain was given no queue"),
        ("schedules_add", {"name": "n", "rule": "now and then", "task": "t.t"}, "now and then"),
        ("schedules_add", {"name": "n", "rule": "0 3 * * *", "zone": "Mars/Base", "task": "t.t"}, "Mars/Base"),
        ("alerts_add", {"rule": "often > 3"}, "often"),
    ],
)
def test_what_cannot_be_done_is_refused_before_it_is_confirmed(
    talk: Callable[..., None], tool: str, arguments: dict[str, Any], said: str
) -> None:
    async def scene(it: Talk) -> None:
        refused = await it.say(tool, **arguments)
        assert refused.failed
        assert refused.facts["error"] != "Fault"
        assert said in refused.facts["message"]

    talk(scene)


def test_a_look_says_how_many_of_those_that_are_named_it_would_reach(talk: Callable[..., None]) -> None:
    async def scene(it: Talk) -> None:
        would = await it.say("jobs_change", verb="cancel", job_ids=["last", "nobody"])
        assert would.facts["would"].startswith("cancel 1 job; 1 of the 2 that are named")
        assert would.facts["states"] == {"ready": 1}

    talk(scene)


def test_a_look_says_how_many_jobs_a_drained_queue_would_lose(talk: Callable[..., None]) -> None:
    async def scene(it: Talk) -> None:
        would = await it.say("queues_drain", names=["default", "default"])
        assert (would.facts["matched"], would.facts["states"]) == (1, {"ready": 1})
        assert would.facts["would"].startswith("delete the jobs that wait in these queues")
        assert (await it.do("queues_drain", names=["default"])).facts == {"queues": ["default"], "changed": 1}
        assert (await it.say("queues_drain", names=["later"])).facts["error"] == "NotFound"

    talk(scene)


def test_a_schedule_is_put_shown_and_removed(talk: Callable[..., None], app: App) -> None:
    async def scene(it: Talk) -> None:
        what = {"name": "pulse", "rule": "every 10s", "task": "shop.add", "arguments": [1, 2]}
        assert (await it.say("schedules_add", **what)).facts["would"] == "add the schedule pulse: shop.add, every 10s"
        assert not (await it.do("schedules_add", **what)).failed
        assert (await it.say("schedules_add", **what)).facts["would"].startswith("replace the schedule pulse")
        assert (await it.say("schedules_pause", name="pulse", paused=False)).facts[
            "would"
        ] == "resume the schedule pulse"
        assert len((await it.say("schedules_preview", name="pulse")).facts["firings"]) == 5
        assert not (await it.do("schedules_remove", name="pulse")).failed
        assert not await app.aio.schedules()
        assert (await it.say("schedules_remove", name="pulse")).failed

    talk(scene)


def test_a_job_is_enqueued_as_an_agent_says_it(talk: Callable[..., None], app: App) -> None:
    async def scene(it: Talk) -> None:
        done = await it.do("jobs_enqueue", task="shop.add", arguments=[1], named={"b": 2}, options={"priority": 3})
        record = await app.aio.get(done.facts["id"])
        assert (record.task, record.priority) == ("shop.add", 3)
        assert (await it.say("jobs_enqueue")).failed

    talk(scene)


def test_secrets_stay_dots(talk: Callable[..., None], app: App) -> None:
    @app.task(name="shop.pay")
    def pay(card: Secret[str]) -> None: ...

    async def scene(it: Talk) -> None:
        handle = await pay.aenqueue(Secret("4111 1111"))
        for said in (await it.say("jobs_show", job_id=handle.id), await it.say("jobs_arguments", job_id=handle.id)):
            assert not said.failed
            assert "4111" not in said.text
            assert "•••" in said.text
        sent = {"$": "secret", "v": "4222 2222"}
        would = await it.say("jobs_enqueue", task="shop.pay", arguments=[sent])
        assert "4222" not in would.text
        done = await it.say("jobs_enqueue", task="shop.pay", arguments=[sent], confirm=would.facts["confirm"])
        assert not done.failed
        assert "4222" not in (await it.say("jobs_arguments", job_id=done.facts["id"])).text

    talk(scene)


def test_an_error_is_no_longer_than_any_answer(talk: Callable[..., None]) -> None:
    async def scene(it: Talk) -> None:
        said = await it.say("jobs_show", job_id="x" * 100_000)
        assert said.failed
        assert len(said.text.encode()) <= LIMIT

    talk(scene)


def test_what_is_nested_too_deeply_to_be_read_breaks_nothing(talk: Callable[..., None]) -> None:
    async def scene(it: Talk) -> None:
        deep: list[Any] = []
        for _ in range(TOO_DEEP):
            deep = [deep]
        assert (await it.say("jobs_enqueue", task="shop.add", arguments=deep)).failed
        assert not (await it.say("queues_list")).failed

    talk(scene)


def test_a_long_list_is_cut_and_can_be_read_page_by_page(talk: Callable[..., None], app: App) -> None:
    async def scene(it: Talk) -> None:
        await app.aio.enqueue_many([app.tasks["shop.add"].call(1, n) for n in range(150)])
        seen: list[str] = []
        after: str | None = None
        while True:
            said = await it.say("jobs_list", limit=200, **({"after": after} if after else {}))
            assert len(said.text.encode()) <= LIMIT
            seen += [job["id"] for job in said.facts["jobs"]]
            after = said.facts["after"]
            if after is None:
                break
            assert "cut" in said.facts or len(said.facts["jobs"]) == 200
        assert len(seen) == len(set(seen)) == 153

    talk(scene, rates=Rates(calls=1000))


@pytest.mark.parametrize(
    "facts",
    [
        {"text": "x" * 100_000},
        {"jobs": [{"error": "e" * 10_000, "tags": ["t" * 100] * 100}] * 50, "after": None},
        {"value": {f"key {n}": n for n in range(20_000)}},
        {"value": [[["x" * 50] * 40] * 40]},
        {"value": "я" * 50_000},
        {"one": [{"deep": ["x" * 500] * 500}]},
    ],
    ids=["text", "jobs", "wide", "nested", "letters", "one"],
)
@pytest.mark.parametrize("limit", [2_000, LIMIT])
def test_no_answer_is_larger_than_the_limit(facts: dict[str, Any], limit: int) -> None:
    before = json.dumps(facts)
    kept, text = bounded(facts, ["limit", "after"], limit)
    assert len(text.encode()) <= limit
    assert json.loads(text) == kept
    assert json.dumps(facts) == before
    assert "cut" in kept or "more characters" in text


def test_where_items_tell_no_position_a_cut_page_is_to_be_asked_for_again() -> None:
    entries = [{"who": "ann", "what": "w" * 100}] * 200
    kept, _ = bounded({"entries": entries, "after": 7}, ["limit", "after"], 2_000)
    assert kept["after"] == 7
    assert kept["cut"]["how to get the rest"].startswith("ask the same again with a smaller limit")
    kept, _ = bounded({"entries": [one | {"position": "p"} for one in entries], "after": 7}, ["limit", "after"], 2_000)
    assert kept["after"] == "p"
    assert kept["cut"]["how to get the rest"].endswith("go on with after")


def test_a_small_answer_is_left_as_it_is() -> None:
    facts = {"jobs": [1, 2, 3], "after": None}
    assert bounded(facts)[0] == facts


def test_a_wait_ends_before_the_agent_gives_up() -> None:
    tool = tool_of(OPERATIONS["jobs.wait"])
    assert tool.arguments({"job_ids": ["x"], "timeout": 3600})["timeout"] == LONGEST_WAIT
    assert tool.arguments({"job_ids": ["x"], "timeout": None})["timeout"] == LONGEST_WAIT
    assert tool.arguments({"job_ids": ["x"]})["timeout"] == LONGEST_WAIT
    assert tool.arguments({"job_ids": ["x"], "timeout": 1})["timeout"] == 1


def test_whoever_changes_many_must_say_which() -> None:
    with pytest.raises(Misused, match="needs query"):
        tool_of(OPERATIONS["jobs.change_matching"]).arguments({"verb": "delete"})
    for name in ("jobs.list", "jobs.count", "failures.list"):
        assert "query" not in tool_of(OPERATIONS[name]).schema["required"]
    assert tool_of(OPERATIONS["jobs.count"]).arguments({"verb": "retry"})["query"] == {}


def test_a_larger_scope_has_all_tools_of_a_smaller_one() -> None:
    read, operate, administer = (set(tools_for(scope)) for scope in Scope)
    assert read < operate < administer


def test_a_read_only_desk_has_no_tools_that_change(app: App) -> None:
    async def scene() -> None:
        answering = Answering(Desk(app.aio, app, read_only=True), Turned())
        assert not any(tool.operation.changes for tool in answering.tools(ANN).values())
        assert (await answering.call("queues_pause", {"names": ["default"]}, ANN)).failed
        await app.aio.store.close()

    run(scene)
