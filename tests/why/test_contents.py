"""Arguments, results and output of a job: readable, bounded, and without secrets or classes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App, Secret
from queuemgr.clock import SystemClock
from queuemgr.errors import JobNotFound
from queuemgr.secret import DOTS
from queuemgr.service.failures import Misused
from queuemgr.service.operations import contents
from queuemgr.store import Report

from .scene import Scene, on_stage, scripted, scripted_on_every_store


@scripted
async def test_arguments_are_told_as_plain_data_with_secrets_as_dots(scene: Scene) -> None:
    date = b'{"$":"date","v":"2026-12-01"}'
    job = await scene.stage.enqueue(args=b'[["a",' + date + b'],{"card":{"$":"secret","v":"4111"}}]')
    told = await scene.ask("jobs.arguments", job_id=job)
    assert told == {
        "id": job,
        "task": "task",
        "positional": ["a", {"$": "date", "v": "2026-12-01"}],
        "named": {"card": {"$": "secret", "v": DOTS}},
        "size": 72,
        "secrets": 1,
        "cut": False,
        "editable": False,
    }


@scripted
async def test_very_large_arguments_are_cut(scene: Scene) -> None:
    numbers = b",".join(b"%d" % n for n in range(80_000))
    job = await scene.stage.enqueue(args=b"[[[" + numbers + b"]]]")
    told = await scene.ask("jobs.arguments", job_id="last")
    assert (told["id"], told["cut"], told["editable"]) == (job, True, False)
    assert len(str(told)) < 1000


@scripted
async def test_arguments_that_cannot_be_read_say_why(scene: Scene) -> None:
    job = await scene.stage.enqueue(args=b"[oh")
    told = await scene.ask("jobs.arguments", job_id=job)
    assert "are no json" in told["unreadable"]
    assert not told["editable"]
    with pytest.raises(JobNotFound):
        await scene.ask("jobs.arguments", job_id="none")


async def ended(scene: Scene, result: bytes | None) -> str:
    job = await scene.stage.enqueue()
    await scene.stage.run(result=result)
    return job


@scripted_on_every_store
async def test_a_small_result_is_told_whole_and_a_list_by_pages(scene: Scene) -> None:
    job = await ended(scene, b'{"rows":[1,2,3],"card":{"$":"secret","v":"4111"}}')
    told = await scene.ask("jobs.result", job_id=job)
    assert (told["kind"], told["length"], told["lists"]) == ("dict", 2, {"rows": 3})
    assert told["value"] == {"rows": [1, 2, 3], "card": DOTS}
    assert told["shape"] == "{rows: list of 3, each int, card: str}"
    page = await scene.ask("jobs.result", job_id=job, at="rows", offset=1, limit=1)
    assert (page["items"], page["offset"], page["next"]) == ([2], 1, 2)
    last = await scene.ask("jobs.result", job_id=job, at="rows", offset=-1)
    assert (last["items"], last["next"]) == ([3], None)
    with pytest.raises(Misused, match="has no list at 'card'"):
        await scene.ask("jobs.result", job_id=job, at="card")
    with pytest.raises(Misused, match="limit is 0 to 1,000"):
        await scene.ask("jobs.result", job_id=job, limit=1001)


@scripted
async def test_results_that_are_none_missing_or_damaged_say_so(scene: Scene) -> None:
    none = await scene.ask("jobs.result", job_id=await ended(scene, None))
    assert (none["shape"], none["value"], none["size"]) == ("None", None, 0)
    assert "are no json" in (await scene.ask("jobs.result", job_id=await ended(scene, b"[oh")))["none"]
    waiting = await scene.ask("jobs.result", job_id=await scene.stage.enqueue())
    assert waiting["kind"] == "none"
    assert "has no result yet" in waiting["none"]


def test_a_large_result_is_read_no_further_than_asked(tmp_path: Path) -> None:
    app = App(f"sqlite:///{tmp_path}/jobs.db")

    @app.task(name="rows")
    def rows() -> list[dict[str, Any]]:
        return [{"id": n, "card": Secret(f"card {n}")} for n in range(20_000)]

    async def play(scene: Scene) -> None:
        job = (await rows.aenqueue()).id
        await app.worker(burst=True).run()
        told = await scene.ask("jobs.result", job_id=job, offset=19_998)
        assert (told["kind"], told["length"], told["complete"]) == ("list", 20_000, True)
        assert told["size"] > contents.WHOLE
        assert told["items"] == [{"id": 19_998, "card": DOTS}, {"id": 19_999, "card": DOTS}]
        assert (told["next"], told["value"]) == (None, None)
        first = await scene.ask("jobs.result", job_id=job, limit=3)
        assert ([item["id"] for item in first["items"]], first["next"]) == ([0, 1, 2], 3)
        assert "card 0" not in str(told) + str(first)
        await app.aio.store.close()

    asyncio.run(on_stage(app.url, play, SystemClock()))
    app.close()


@scripted_on_every_store
async def test_output_goes_on_from_where_it_was_read_and_keeps_lines_whole(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    lease = await scene.stage.lease()

    async def say(*texts: str) -> None:
        now = scene.stage.now()
        await scene.stage.store.report([Report(lease, output=[(now, "stdout", text) for text in texts])])

    async def read(after: int) -> dict[str, Any]:
        return await scene.ask("jobs.output", job_id=job, after=after)

    await say("one\n", "two\nthr")
    first = await read(0)
    assert [line["text"] for line in first["lines"]] == ["one"]
    assert [line["text"] for line in first["partial"]] == ["two", "thr"]
    assert (first["state"], first["more"]) == ("running", False)
    await say("ee\n")
    second = await read(first["after"])
    assert [line["text"] for line in second["lines"]] == ["two", "three"]
    assert second["partial"] == []
    await say("end")
    assert await scene.stage.settle(lease)
    third = await read(second["after"])
    assert ([line["text"] for line in third["lines"]], third["partial"]) == (["end"], [])
    assert (await read(third["after"]))["lines"] == []


@scripted
async def test_output_can_be_narrowed_to_an_attempt_and_is_bounded(scene: Scene) -> None:
    from queuemgr.testing.contract.stage import GIVEN_BACK

    await scene.worker("worker")
    job = await scene.stage.enqueue()
    for attempt in (1, 2):
        lease = await scene.stage.lease()
        output = [(scene.stage.now(), "stdout", f"{attempt}.{n}\n") for n in range(3)]
        await scene.stage.store.report([Report(lease, output=output)])
        await scene.stage.settle(lease, GIVEN_BACK)
    told = await scene.ask("jobs.output", job_id=job, attempt=2)
    assert [line["text"] for line in told["lines"]] == ["2.0", "2.1", "2.2"]
    page = await scene.ask("jobs.output", job_id=job, limit=4)
    assert (len(page["lines"]), page["more"]) == (4, True)
    with pytest.raises(Misused, match="limit is 1 to"):
        await scene.ask("jobs.output", job_id=job, limit=0)
