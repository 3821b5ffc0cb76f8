"""The search box: what each word means, what is refused, and that a search looks at a bounded number of jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest

from queuemgr.job import State
from queuemgr.service.failures import Misused
from queuemgr.service.operations import looking
from queuemgr.service.operations.searching import Rest, merged, parse_search, query_of
from queuemgr.store import Query
from queuemgr.testing.contract.stage import FAILED, retry_at

from .scene import Scene, scripted, scripted_on_every_store

NOW = 1_700_000_000.0
ID = "0190a1b2-aaaa-7bbb-8ccc-0123456789ab"


@pytest.mark.parametrize(
    ("text", "query", "rest"),
    [
        ("", Query(), Rest()),
        ("state:dead,ready queue:mail", Query(states=(State.DEAD, State.READY), queue="mail"), Rest()),
        ("tag:x task:shop.mail worker:w1", Query(tag="x", task="shop.mail", worker="w1"), Rest()),
        ("worker:host:12:ab", Query(worker="host:12:ab"), Rest()),
        ('error:"no address"', Query(error="no address"), Rest()),
        ("after:1h before:30m", Query(created_after=NOW - 3600, created_before=NOW - 1800), Rest()),
        ("after:2h after:1h", Query(created_after=NOW - 3600), Rest()),
        ("before:1700000000.5", Query(created_before=1700000000.5), Rest()),
        ("before:2026-01-01", Query(created_before=datetime(2026, 1, 1).astimezone().timestamp()), Rest()),
        (f"id:{ID}", Query(ids=(ID,)), Rest()),
        (ID, Query(ids=(ID,)), Rest()),
        ("args.user_id:42", Query(), Rest(args=(("user_id", "42"),))),
        ("args.user.name:bob args:x", Query(), Rest(args=(("user.name", "bob"), ("", "x")))),
        ('Timeout "in place" state:dead', Query(states=(State.DEAD,)), Rest(words=("timeout", "in place"))),
        ("12:30", Query(), Rest(words=("12:30",))),
        ("it's", None, None),
    ],
)
def test_every_word_has_one_meaning(text: str, query: Query | None, rest: Rest | None) -> None:
    if query is None:
        with pytest.raises(Misused, match="quotation mark without its partner"):
            parse_search(text, NOW)
        return
    assert parse_search(text, NOW) == (query, rest)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("state:ded", "state:ded is no state: did you mean 'dead'?"),
        ("queu:mail", "nothing can be searched by 'queu:': did you mean 'queue'?"),
        ("after:yesterday", "'yesterday' is no time"),
        ("queue:", "queue: looks for nothing"),
        ("args.a:", "args.a: looks for nothing"),
        ("queue:a queue:b", "no job can have queue 'a' and 'b' at once"),
        ("state:dead state:ready", "no job is both in dead and in ready"),
    ],
)
def test_what_is_not_understood_is_named_with_a_way_out(text: str, words: str) -> None:
    with pytest.raises(Misused) as refused:
        parse_search(text, NOW)
    assert words in str(refused.value)
    assert refused.value.hint


def test_a_search_narrows_a_query_and_may_not_contradict_it() -> None:
    both = merged(Query(states=(State.DEAD, State.READY), queue="a"), Query(states=(State.DEAD,), task="t"))
    assert both == Query(states=(State.DEAD,), queue="a", task="t")
    with pytest.raises(Misused, match="no job can have queue 'a' and 'b'"):
        merged(Query(queue="a"), Query(queue="b"))


def test_a_change_takes_no_words_that_every_job_would_have_to_be_looked_at_for() -> None:
    assert query_of(Query(queue="a"), "state:dead", NOW) == Query(queue="a", states=(State.DEAD,))
    with pytest.raises(Misused, match=r"args\.to can be looked for, but not changed by") as refused:
        query_of(Query(), "args.to:bob", NOW)
    assert "give their ids" in refused.value.hint
    with pytest.raises(Misused, match="the word 'bob'"):
        query_of(Query(), "bob", NOW)
    assert query_of(Query(ids=("x",)), "args.to:bob", NOW) == Query(ids=("x",))


async def found(scene: Scene, search: str, **more: Any) -> list[str]:
    answer = await scene.ask("jobs.list", search=search, **more)
    assert "scanned" in answer
    return [job["id"] for job in answer["jobs"]]


@scripted_on_every_store
async def test_arguments_are_found_by_name_by_path_and_by_number(scene: Scene) -> None:
    first = await scene.stage.enqueue(args=b'[["bob@x.org",7],{"user":{"id":42,"name":"Bob"}}]', queue="mail")
    second = await scene.stage.enqueue(args=b'[["eve@x.org",8],{"user_id":421}]')
    assert await found(scene, "args.user.id:42") == [first]
    assert await found(scene, "args.id:42") == [first]
    assert await found(scene, "args.user_id:421") == [second]
    assert await found(scene, "args.user_id:42") == []
    assert await found(scene, "args.0:x.org") == [second, first]
    assert await found(scene, "args.name:bob queue:mail") == [first]
    assert await found(scene, "args.name:bob queue:default") == []
    assert await found(scene, "args:eve") == [second]


@scripted
async def test_secrets_are_not_found(scene: Scene) -> None:
    await scene.stage.enqueue(args=b'[[{"$":"secret","v":"4111"}]]')
    assert await found(scene, "args:4111") == []
    assert await found(scene, '"args":•') == []


@scripted_on_every_store
async def test_free_words_are_looked_for_in_error_task_id_and_tags(scene: Scene) -> None:
    failed = await scene.stage.enqueue()
    await scene.stage.run(FAILED, error={"type": "E", "message": "Connection refused"})
    tagged = await scene.stage.enqueue("mailer", tags=("Blue",))
    assert await found(scene, "refused") == [failed]
    assert await found(scene, "mailer") == await found(scene, "blue") == [tagged]
    assert await found(scene, tagged[:13]) != []
    assert await found(scene, "refused blue") == []
    assert await found(scene, "error:refused") == [failed]
    assert await found(scene, "error:refused state:ready") == []


@scripted
async def test_an_error_of_a_job_that_retries_is_found(scene: Scene) -> None:
    job = await scene.stage.enqueue()
    await scene.stage.run(retry_at(scene.stage.now() + 9), error={"type": "E", "message": "Slow line"})
    assert await found(scene, 'error:"Slow line"') == [job]


@scripted_on_every_store
async def test_an_error_is_found_by_a_search_exactly_where_a_change_finds_it(scene: Scene) -> None:
    await scene.stage.enqueue()
    await scene.stage.run(FAILED, error={"type": "E", "message": "Slow line"})
    for text, number in (("Slow", 1), ("slow", 0)):
        assert len(await found(scene, f"error:{text}")) == number
        counted = await scene.ask("jobs.count", verb="retry", query={}, search=f"error:{text}")
        assert counted["matched"] == number


@scripted_on_every_store
async def test_a_search_looks_at_a_bounded_number_of_jobs_and_goes_on(scene: Scene) -> None:
    wanted = await scene.stage.enqueue(args=b'[["needle"]]')
    await scene.stage.enqueue_many(120)
    with patch.multiple(looking, MOST=100, STEP=40, PATIENCE=1e9):
        first = await scene.ask("jobs.list", search="args:needle")
        assert (first["jobs"], first["scanned"]) == ([], 100)
        second = await scene.ask("jobs.list", search="args:needle", after=first["after"])
    assert [job["id"] for job in second["jobs"]] == [wanted]
    assert (second["scanned"], second["after"]) == (21, None)


@scripted
async def test_a_search_that_takes_long_ends_after_a_step_and_goes_on(scene: Scene) -> None:
    await scene.stage.enqueue_many(50)
    with patch.multiple(looking, STEP=20, PATIENCE=0.0):
        answer = await scene.ask("jobs.list", search="args:needle")
    assert (answer["jobs"], answer["scanned"]) == ([], 20)
    assert answer["after"] is not None


@scripted_on_every_store
async def test_pages_of_a_search_follow_one_another_without_gaps(scene: Scene) -> None:
    wanted = []
    for _ in range(5):
        wanted.append(await scene.stage.enqueue(tags=("red",)))
        await scene.stage.enqueue()
    seen: list[str] = []
    after: str | None = None
    while True:
        answer = await scene.ask("jobs.list", search="red", limit=2, **({"after": after} if after else {}))
        seen += [job["id"] for job in answer["jobs"]]
        after = answer["after"]
        if after is None:
            break
    assert seen == wanted[::-1]


@scripted
async def test_a_search_counts_and_changes_what_a_query_can_name(scene: Scene) -> None:
    await scene.stage.enqueue(queue="mail")
    await scene.stage.enqueue()
    counted = await scene.ask("jobs.count", verb="cancel", query={}, search="queue:mail")
    assert counted["matched"] == 1
    assert (await scene.ask("jobs.change_matching", verb="cancel", query={}, search="queue:mail"))["changed"] == 1
    with pytest.raises(Misused, match="not changed by"):
        await scene.ask("jobs.change_matching", verb="cancel", query={}, search="args.a:1")


@scripted
async def test_a_wrong_position_is_wrong_usage(scene: Scene) -> None:
    with pytest.raises(Misused, match="'x' is no position"):
        await scene.ask("jobs.list", search="word", after="x")


@scripted
async def test_the_last_word_is_completed_by_what_is_there(scene: Scene) -> None:
    await scene.worker(tasks=("shop.send", "shop.bill"), queues=("mail", "more mail"))
    await scene.stage.enqueue("shop.old", tags=("blue", "green"))

    async def words(text: str) -> list[str]:
        return [one["text"] for one in (await scene.ask("jobs.complete", text=text))["suggestions"]]

    assert await words("st") == ["state:"]
    assert (await words("state:d"))[:3] == ["state:dead", "state:scheduled", "state:ready"]
    assert "state:running" not in await words("state:d")
    assert await words("state:dead queue:ma") == ["state:dead queue:mail", 'state:dead queue:"more mail"']
    assert await words("task:shop.") == ["task:shop.bill", "task:shop.old", "task:shop.send"]
    assert await words("tag:gr") == ["tag:green"]
    assert await words("worker:") == ["worker:w1"]
    assert await words("after:") == ["after:15m", "after:1h", "after:24h", "after:7d"]
    assert "args." in await words("")
    assert await words("args.x:") == []
