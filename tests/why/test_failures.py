"""`failures.list`: dead jobs by kind, in bounded steps, with the query that runs a group again."""

from __future__ import annotations

from typing import Any

import pytest

from queuemgr.job import State
from queuemgr.service.operations import failures
from queuemgr.testing.contract.stage import FAILED

from .scene import Scene, scripted, scripted_on_every_store


async def die(scene: Scene, messages: list[str], kind: str = "builtins.ValueError", **fields: Any) -> list[str]:
    jobs = [await scene.stage.enqueue(**fields) for _ in messages]
    leases = await scene.stage.claim(queues=(fields.get("queue", "default"),), tasks=(fields.get("task", "task"),))
    ends = [
        scene.stage.settlement(lease, FAILED, error={"type": kind, "message": message})
        for lease, message in zip(leases, messages, strict=True)
    ]
    assert all(await scene.stage.store.settle(ends))
    return jobs


@scripted_on_every_store
async def test_the_largest_group_comes_first_with_all_that_is_to_be_said_of_it(scene: Scene) -> None:
    await die(scene, ["no such host"], "OSError")
    began = scene.stage.now()
    scene.stage.clock.advance(60)
    jobs = await die(scene, ["no user 1", "no user 2"])
    jobs += await die(scene, ["no user 3"], queue="mail")
    answer = await scene.ask("failures.list")
    assert (answer["scanned"], answer["complete"], len(answer["groups"])) == (4, True, 2)
    group, other = answer["groups"]
    assert (group["count"], group["type"], group["message"]) == (3, "builtins.ValueError", "no user <n>")
    assert group["example"] == "no user 3"
    assert group["queues"] == {"default": 2, "mail": 1}
    assert group["tasks"] == {"task": 3}
    assert group["ids"] == jobs[::-1]
    assert group["first"] == group["last"] == pytest.approx(began + 60)
    assert (other["count"], other["first"]) == (1, pytest.approx(began))


@scripted_on_every_store
async def test_the_query_of_a_group_runs_its_jobs_again_and_no_others(scene: Scene) -> None:
    await die(scene, ["no such host"], "OSError")
    jobs = await die(scene, ["no user 1", "no user 2"])
    group = (await scene.ask("failures.list"))["groups"][0]
    assert (group["retry"]["exact"], group["retry"]["all"]) == (True, True)
    changed = await scene.ask("jobs.change_matching", verb="retry", query=group["retry"]["query"])
    assert changed["changed"] == 2
    assert [await scene.stage.state(job) for job in jobs] == [State.READY, State.READY]
    assert (await scene.ask("failures.list"))["scanned"] == 1


@scripted
async def test_a_large_group_is_run_again_by_its_text_or_by_its_fingerprint(scene: Scene) -> None:
    number = failures.FEW + 1
    await die(scene, [f"no user {n} in 'list {n}'" for n in range(number)], queue="mail")
    (group,) = (await scene.ask("failures.list"))["groups"]
    assert group["retry"] == {
        "query": {"states": ["dead"], "error": "no user", "task": "task", "queue": "mail"},
        "exact": False,
        "all": True,
    }
    (alone,) = (await scene.ask("failures.list", fingerprint=group["fingerprint"]))["groups"]
    assert len(alone["retry"]["query"]["ids"]) == number
    assert (await scene.ask("failures.list", fingerprint="none"))["groups"] == []
    assert (await scene.ask("jobs.count", verb="retry", query=group["retry"]["query"]))["matched"] == number


@scripted
async def test_only_the_newest_are_looked_at_and_the_answer_says_so(scene: Scene) -> None:
    await die(scene, ["old"] * 5)
    await die(scene, ["new"] * 5)
    answer = await scene.ask("failures.list", most=5)
    assert [group["message"] for group in answer["groups"]] == ["new"]
    assert (answer["scanned"], answer["complete"]) == (5, False)
    assert not answer["groups"][0]["retry"]["all"]


@scripted
async def test_failures_can_be_searched_and_narrowed(scene: Scene) -> None:
    await die(scene, ["a"])
    (job,) = await die(scene, ["b"], queue="mail")
    for arguments in ({"search": "queue:mail"}, {"query": {"queue": "mail"}}):
        (group,) = (await scene.ask("failures.list", **arguments))["groups"]
        assert group["ids"] == [job]
    assert len((await scene.ask("failures.list", limit=1))["groups"]) == 1


@scripted
async def test_without_failures_there_are_no_groups(scene: Scene) -> None:
    answer = await scene.ask("failures.list")
    assert (answer["groups"], answer["scanned"], answer["complete"]) == ([], 0, True)
