"""The audit list says who changed what and when, briefly, in order, and without what is secret."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from queuemgr.arguments import Checker
from queuemgr.client import AsyncClient
from queuemgr.codec import Codec
from queuemgr.errors import BadArguments, StoreUnavailable, ValidationError
from queuemgr.job import State
from queuemgr.secret import DOTS, Secret
from queuemgr.service.access import audit
from queuemgr.service.access.abridging import MOST_BYTES, abridged, outcome_of
from queuemgr.service.access.audit import KEPT, entries, record, recorded
from queuemgr.service.access.terminal import Person
from queuemgr.service.failures import Misused
from queuemgr.service.operations import table
from queuemgr.service.operations.request import Request, Word
from queuemgr.store import Query
from queuemgr.stores.sqlite.store import SqliteStore
from queuemgr.testing.clock import ManualClock

HIDDEN = "correct horse"
ANN = Person("ann", "web", "10.0.0.9")


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@pytest.fixture
def client(tmp_path: Path, clock: ManualClock) -> AsyncClient:
    store = SqliteStore(f"sqlite:///{tmp_path}/jobs.db", clock)
    return AsyncClient(lambda: store, Codec())


def written(client: AsyncClient, *work: Coroutine[Any, Any, Any]) -> list[dict[str, Any]]:
    """All entries after this was done, the newest first."""

    async def inside() -> list[dict[str, Any]]:
        try:
            for one in work:
                await one
            return list((await table.call("audit.list", {}, client))["entries"])
        finally:
            await client.store.close()

    found: list[dict[str, Any]] = run(inside())
    return found


def test_an_entry_says_who_when_from_where_what_and_what_came_of_it(client: AsyncClient, clock: ManualClock) -> None:
    arguments = {"verb": "retry", "query": Query(states=(State.DEAD,), queue="mail")}
    assert written(client, record(client, ANN, "jobs.change_matching", arguments, {"changed": 3, "verb": "retry"})) == [
        {
            "number": 1,
            "at": clock.now(),
            "who": "ann",
            "via": "web",
            "address": "10.0.0.9",
            "operation": "jobs.change_matching",
            "arguments": {"verb": "retry", "query": {"states": ["dead"], "queue": "mail"}},
            "outcome": {"ok": True, "changed": 3, "verb": "retry"},
        }
    ]


def test_what_failed_is_written_down_as_failed_and_raised_on(client: AsyncClient) -> None:
    async def fail() -> dict[str, Any]:
        raise Misused("no such thing")

    async def asked() -> None:
        with pytest.raises(Misused):
            await recorded(client, ANN, "queues.pause", {"names": ["x"]}, fail)

    (entry,) = written(client, asked())
    assert entry["outcome"] == {"ok": False, "error": "Misused", "message": "no such thing"}


def test_pages_follow_one_another_without_a_gap_and_end(client: AsyncClient) -> None:
    async def inside() -> tuple[list[list[int]], object]:
        for n in range(120):
            await record(client, ANN, f"op.{n}", {}, {})
        pages, after = [], None
        while True:
            found, after = await entries(client, 50, after)
            pages.append([one.number for one in found])
            if after is None:
                break
        last = await entries(client, 10, 1)
        await client.store.close()
        return pages, last

    pages, last = run(inside())
    assert [number for page in pages for number in page] == list(range(120, 0, -1))
    assert [len(page) for page in pages] == [50, 50, 20]
    assert last == ([], None)


def test_new_entries_do_not_move_the_page_that_follows(client: AsyncClient) -> None:
    async def inside() -> list[int]:
        for n in range(10):
            await record(client, ANN, f"op.{n}", {}, {})
        _, after = await entries(client, 5)
        await record(client, ANN, "op.new", {}, {})
        found, _ = await entries(client, 5, after)
        await client.store.close()
        return [one.number for one in found]

    assert run(inside()) == [5, 4, 3, 2, 1]


def test_an_entry_goes_after_ninety_days_and_the_numbers_go_on(client: AsyncClient, clock: ManualClock) -> None:
    async def later() -> None:
        await record(client, ANN, "op.old", {}, {})
        clock.advance(KEPT - 1)
        await record(client, ANN, "op.middle", {}, {})
        clock.advance(1)
        await record(client, ANN, "op.new", {}, {})

    assert [(one["number"], one["operation"]) for one in written(client, later())] == [(3, "op.new"), (2, "op.middle")]


def test_numbers_without_an_entry_are_passed_over(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process leaves them that died between its two steps."""
    monkeypatch.setattr(audit, "GAP", 100)

    async def with_gaps(gap: int) -> None:
        await record(client, ANN, "op.old", {}, {})
        await client.store.key_add(audit.COUNTER, gap)
        await record(client, ANN, "op.new", {}, {})

    assert [one["operation"] for one in written(client, with_gaps(90))] == ["op.new", "op.old"]
    assert [one["operation"] for one in written(client, with_gaps(500))] == ["op.new"]


def test_writers_at_the_same_time_get_numbers_of_their_own(client: AsyncClient) -> None:
    async def many() -> None:
        await asyncio.gather(*(record(client, ANN, f"op.{n}", {}, {}) for n in range(40)))

    found = written(client, many())
    assert [one["number"] for one in found] == list(range(40, 0, -1))
    assert {one["operation"] for one in found} == {f"op.{n}" for n in range(40)}


def test_a_store_that_fails_does_not_undo_what_was_done(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(key: str, amount: int, ttl: float | None = None) -> int:
        raise StoreUnavailable("the disk is full")

    async def done() -> dict[str, Any]:
        return {"changed": 1}

    monkeypatch.setattr(client.store, "key_add", fail)
    assert run(recorded(client, ANN, "jobs.change", {"password": HIDDEN}, done)) == {"changed": 1}
    assert "jobs.change by ann could not be written down: the disk is full" in caplog.text
    assert HIDDEN not in caplog.text


@pytest.mark.parametrize(
    "arguments",
    [
        {"limit": 0},
        {"limit": 501},
        {"after": 0},
        {"after": -5},
        {"after": 1 << 60},
    ],
)
def test_a_page_that_cannot_be_is_refused(client: AsyncClient, arguments: dict[str, Any]) -> None:
    with pytest.raises(Misused):
        run(table.call("audit.list", arguments, client))


HIDING: list[Any] = [
    {"card": Secret(HIDDEN)},
    {"deep": [{"x": ({"y": Secret(HIDDEN)},)}]},
    {"x": {"$": "secret", "v": HIDDEN}},
    {"password": HIDDEN},
    {"smtp": {"smtp_password": HIDDEN}},
    {"headers": {"Authorization": HIDDEN}},
    {"api_key": [HIDDEN]},
    {"webhook": f"https://hooks.example.com/services/{HIDDEN.replace(' ', '/')}/correct"},
    {"url": "postgresql://ann:correct@db/jobs"},
    {"url": "https://correct:correct@example.com/?correct=correct"},
    {"params": {"a": HIDDEN}, "job_id": "x"},
    {"request": Request("shop.pay", (Word(HIDDEN, HIDDEN),), {"card": Word(HIDDEN)})},
    {"request": {"task": "shop.pay", "positional": [{"value": HIDDEN}], "named": {"card": {"value": HIDDEN}}}},
    {"positional": [HIDDEN], "named": {"card": HIDDEN}},
]


@pytest.mark.parametrize("arguments", HIDING)
def test_nothing_secret_and_no_argument_of_a_job_is_written_down(arguments: dict[str, Any]) -> None:
    told = msgspec.json.encode(abridged("some.operation", arguments)).decode()
    assert "correct" not in told
    assert "horse" not in told


def test_of_a_job_the_task_and_the_names_of_its_arguments_are_left() -> None:
    request = Request("shop.pay", (Word(1), Word(2)), {"card": Word(HIDDEN)}, {"queue": "mail"})
    kept = {"task": "shop.pay", "options": {"queue": "mail"}, "positional": 2, "named": ["card"]}
    assert abridged("jobs.enqueue", {"request": request}) == {"request": kept}


def test_an_error_that_quotes_arguments_is_written_down_without_its_words() -> None:
    told = outcome_of("jobs.enqueue", BadArguments(f"card must be int, not str {HIDDEN!r}"))
    assert told == {"ok": False, "error": "BadArguments", "message": ""}


def test_a_refusal_is_written_down_with_its_reason_and_no_value_of_an_argument() -> None:
    def pay(card: int, password: str = HIDDEN) -> None: ...

    for args in ((HIDDEN,), ()):
        with pytest.raises(BadArguments) as refused:
            Checker("shop.pay", pay).check(args, {})
        told = outcome_of("jobs.enqueue", refused.value)["message"]
        assert "card" in told
        assert HIDDEN not in told
    wrong = ValidationError("scope", None, "'rad' is no scope: did you mean 'read'?")
    assert outcome_of("tokens.add", wrong)["message"].endswith("'rad' is no scope: did you mean 'read'?")


@pytest.mark.parametrize("field", ["password", "params", "request", "kwargs"])
def test_a_field_that_may_hold_a_secret_is_written_down_without_a_reason(field: str) -> None:
    wrong = ValidationError(field, None, f"it cannot be {HIDDEN}")
    assert outcome_of("jobs.enqueue", wrong) == {"ok": False, "error": "ValidationError", "message": ""}


def test_a_new_token_is_written_down_by_its_name_alone() -> None:
    answer = {"added": "ann", "token": {"name": "ann"}, "secret": "qmgr_xyz"}
    assert "xyz" not in str(outcome_of("tokens.add", answer))
    assert abridged("tokens.add", {"name": "ann", "scope": "read"}) == {"name": "ann", "scope": "read"}


def _endless() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["again"] = value
    return value


@pytest.mark.parametrize(
    "arguments",
    [
        {"names": ["x" * 1000] * 1000},
        {f"k{n}": "x" * 500 for n in range(1000)},
        {"text": "ы" * 1_000_000},
        {"deep": [[[[[[[[1]]]]]]]]},
        {"again": _endless()},
        {"odd": object(), "bytes": b"\xff" * 999, "surrogate": "\ud800", "number": float("nan"), "long": 1 << 200},
        {1: 2, None: 3},
        {"ids": {f"id{n}" for n in range(100_000)}},
    ],
)
def test_an_entry_is_small_whatever_it_was_asked_with(client: AsyncClient, arguments: Any) -> None:
    (entry,) = written(client, record(client, ANN, "some.operation", arguments, {"id": arguments}))
    assert len(msgspec.json.encode(entry["arguments"])) <= MOST_BYTES
    assert len(msgspec.json.encode(entry["outcome"])) <= MOST_BYTES + 100


def test_long_lists_and_texts_say_how_much_is_left_out() -> None:
    told = abridged("jobs.change", {"job_ids": [str(n) for n in range(25)], "note": "x" * 300})
    assert told["job_ids"][-1] == "… 5 more"
    assert told["note"] == "x" * 200 + "… (300 characters)"


def test_dots_stand_for_a_secret() -> None:
    assert abridged("x", {"token": "abc", "card": Secret(1)}) == {"token": DOTS, "card": DOTS}
