"""The live registry file: its lines, and what becomes of it in the hands of others."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from queuemgr.errors import JobExists
from queuemgr.job import State, Unique
from queuemgr.outcome import Verdict
from queuemgr.service.registry.file import RegistryFile
from queuemgr.store import Query
from tests.journal.rig import Bench, dead, job, using
from tests.pace import quickest

PENDING, RUNNING, COMPLETED, ERROR, STOPPED = range(5)


def test_every_change_of_a_job_is_a_line(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("a")
        assert bench.statuses("a") == [PENDING, RUNNING, COMPLETED]

    using(tmp_path, body)


def test_what_happens_soon_after_a_writing_shares_the_next_one(tmp_path: Path) -> None:
    async def body(bench: Bench) -> list[int]:
        file, written = bench.journal.file, []

        def append(data: bytes) -> Any:
            written.append(data.count(b"\n"))
            return RegistryFile.append(file, data)

        file.append = append  # type: ignore[method-assign]
        await bench.add("first")
        await asyncio.sleep(0)
        began = [*written]
        await bench.add(*"abcdefgh")
        await bench.journal.drain()
        assert began == [1]
        return written

    assert using(tmp_path, body) == [1, 8]


def test_a_line_has_the_older_form(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("a")
        last = bench.lines()[-1]
        assert (last["job_id"], last["status"], last["progress"], last["result"]) == ("a", COMPLETED, 100, "done")
        for name in ("created_at", "updated_at", "started_at", "completed_at"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", last[name])
            time.mktime(time.strptime(last[name], "%Y-%m-%dT%H:%M:%S.%f"))

    using(tmp_path, body)


@pytest.mark.parametrize(
    ("verdict", "status", "words"),
    [
        (dead("no luck"), ERROR, "no luck"),
        (Verdict(State.CANCELLED, "cancelled", reason="by hand"), STOPPED, "by hand"),
    ],
)
def test_an_end_that_is_no_success_keeps_its_reason_and_its_result(
    tmp_path: Path, verdict: Verdict, status: int, words: str
) -> None:
    async def body(bench: Bench) -> None:
        await bench.add("a")
        await bench.settle((await bench.claim())[0], verdict, result=b'{"so far": 1}')
        await bench.journal.drain()
        last = bench.lines()[-1]
        assert (last["status"], last["description"], last["result"]) == (status, words, {"so far": 1})

    using(tmp_path, body)


def test_a_result_that_is_not_small_stands_there_as_a_summary(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.add("a")
        result = json.dumps([{"id": number} for number in range(1000)]).encode()
        await bench.settle((await bench.claim())[0], result=result)
        await bench.journal.drain()
        told = bench.lines()[-1]["result"]
        assert (told["summary"], told["size"], told["length"]) == (True, len(result), 1000)
        assert told["shape"] == "list of 1,000, each {id: int}"
        assert told["sample"][0] == {"id": 0}

    using(tmp_path, body)


def test_a_job_that_was_not_accepted_leaves_no_line(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        unique = Unique("key")
        await bench.store.enqueue([job("a", unique=unique)])
        with pytest.raises(JobExists):
            await bench.store.enqueue([job("b", unique=unique)])
        await bench.journal.drain()
        assert bench.latest() == {"a": PENDING}
        assert set(bench.journal.live) == {"a"}

    using(tmp_path, body)


def test_jobs_of_other_queues_are_not_written_down(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.store.enqueue([job("a", queue="mail")])
        await bench.align()
        assert bench.lines() == []

    using(tmp_path, body)


def test_what_was_added_ran_and_was_deleted_by_others_is_learnt(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.add("waits", "goes", held=True)
        await bench.finish("known")
        await bench.add("new", on=bench.plain)
        await bench.plain.change("cancel", Query(ids=("waits",)))
        await bench.plain.change("delete", Query(ids=("goes",)))
        await bench.align()
        assert bench.latest() | {"goes": None} == {
            "waits": STOPPED,
            "goes": None,
            "known": COMPLETED,
            "new": PENDING,
        }
        assert "goes" in bench.journal.purged

    using(tmp_path, body)


def test_a_start_reads_no_lines_that_it_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    using(tmp_path, lambda bench: bench.finish(*map(str, range(20)), ago=10.0))
    read: list[bytes] = []

    async def body(bench: Bench) -> None:
        assert read == []
        assert bench.journal.mark.lines == 60

    monkeypatch.setattr("queuemgr.service.host.alignment.read_briefly", read.append)
    using(tmp_path, body)


def test_after_a_crash_the_missing_lines_are_written(tmp_path: Path) -> None:
    async def crash() -> None:
        bench = Bench(tmp_path)
        await bench.open()
        bench.journal.save_mark()
        await bench.finish("told")
        await bench.add("begun", "waits")
        await bench.journal.drain()
        await bench.claim(on=bench.plain)
        await bench.finish("untold", on=bench.plain)
        await bench.close(marked=False)

    asyncio.run(crash())

    async def body(bench: Bench) -> None:
        states = {record.id: record.state for record in (await bench.client.find(Query(), 10)).jobs}
        words = {State.READY: PENDING, State.RUNNING: RUNNING, State.SUCCEEDED: COMPLETED}
        assert bench.latest() == {job_id: words[state] for job_id, state in states.items()}
        assert len(states) == 4

    using(tmp_path, body)


def test_ids_that_somebody_took_out_of_the_file_go_from_the_store(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("old", "new")
        await bench.add("waits")
        await bench.journal.drain()
        bench.path.write_text("".join(json.dumps(line) + "\n" for line in bench.lines() if line["job_id"] == "new"))
        await bench.align()
        assert await bench.known() == {"new", "waits"}
        assert bench.latest() == {"new": COMPLETED, "waits": PENDING}

    using(tmp_path, body)


def test_a_line_that_was_lost_by_accident_comes_back(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("a")
        bench.path.write_text("")
        await bench.align()
        assert await bench.known() == {"a"}
        assert bench.latest() == {"a": COMPLETED}

    using(tmp_path, body, young=60.0)


def test_a_rewriting_while_the_service_was_down_counts_as_well(tmp_path: Path) -> None:
    using(tmp_path, lambda bench: bench.finish("old", "new"))
    path = tmp_path / "registry.jsonl"
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines() if '"new"' in line))

    async def body(bench: Bench) -> None:
        assert await bench.known() == {"new"}

    using(tmp_path, body)


def test_a_file_that_is_gone_is_made_anew_and_nothing_is_forgotten(tmp_path: Path) -> None:
    using(tmp_path, lambda bench: bench.finish("a", "b"))
    (tmp_path / "registry.jsonl").unlink()

    async def body(bench: Bench) -> None:
        assert bench.latest() == {"a": COMPLETED, "b": COMPLETED}
        bench.path.unlink()
        await bench.finish("c")
        await bench.align()
        assert bench.latest() == dict.fromkeys("abc", COMPLETED)

    using(tmp_path, body)


def test_a_file_of_an_older_program_is_kept_as_it_is(tmp_path: Path) -> None:
    older = '{"job_id": "theirs", "status": 0, "progress": 0, "description": "", "result": null}\n'
    (tmp_path / "registry.jsonl").write_text(older)

    async def body(bench: Bench) -> None:
        await bench.finish("ours")
        assert bench.path.read_text().startswith(older)
        assert bench.latest() == {"theirs": PENDING, "ours": COMPLETED}

    using(tmp_path, body)


def test_a_torn_last_line_swallows_nothing(tmp_path: Path) -> None:
    using(tmp_path, lambda bench: bench.finish("a"))
    path = tmp_path / "registry.jsonl"
    path.write_bytes(path.read_bytes()[:-20])

    async def body(bench: Bench) -> None:
        await bench.finish("b")
        assert bench.statuses("b") == [PENDING, RUNNING, COMPLETED]
        assert bench.latest()["a"] == COMPLETED

    using(tmp_path, body, young=60.0)


@pytest.mark.parametrize("odd", ["5", "[1]", '{"x": 1}', "not json", '{"job_id": "a"}', '{"job_id": 5, "status": 0}'])
def test_lines_of_the_wrong_shape_are_passed_over(tmp_path: Path, odd: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "registry.jsonl").write_text(f"{odd}\n")

    async def body(bench: Bench) -> None:
        await bench.finish("b")
        assert bench.statuses("b") == [PENDING, RUNNING, COMPLETED]

    using(tmp_path, body)
    assert "1 lines are no job records" in caplog.text


def test_a_file_that_grew_long_is_shortened(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("keeps")
        for _ in range(30):
            await bench.finish(*(f"goes{number}" for number in range(20)))
            await bench.store.change("delete", Query(ids=tuple(f"goes{number}" for number in range(20))))
            await bench.journal.drain()
        assert bench.journal.is_long
        await bench.align()
        assert bench.latest() == {"keeps": COMPLETED}
        assert len(bench.lines()) == 1
        await bench.finish("more")
        assert bench.latest() == {"keeps": COMPLETED, "more": COMPLETED}
        assert not bench.journal.doubt

    using(tmp_path, body)


def test_an_id_that_is_used_again_keeps_its_new_lines(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("a")
        await bench.store.change("delete", Query(ids=("a",)))
        await bench.add("a")
        await bench.journal.drain()
        async with bench.journal.turn:
            pass
        await bench.alignment._shorten()
        assert bench.latest() == {"a": PENDING}

    using(tmp_path, body)


def test_a_full_disk_is_told_and_put_right_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body(bench: Bench) -> None:
        append = bench.journal.file.append

        def fail(data: bytes) -> Any:
            from queuemgr.errors import RegistryError

            raise RegistryError("it cannot be written: No space left on device")

        bench.journal.file.append = fail  # type: ignore[method-assign]
        await bench.finish("a")
        bench.journal.file.append = append  # type: ignore[method-assign]
        assert bench.lines() == []
        await bench.align()
        assert bench.latest() == {"a": COMPLETED}

    using(tmp_path, body)
    assert "No space left" in caplog.text


@pytest.mark.slow
def test_a_million_old_records_do_not_delay_the_start(tmp_path: Path) -> None:
    using(tmp_path, lambda bench: bench.finish("first"))
    path = tmp_path / "registry.jsonl"
    line = path.read_text().splitlines()[-1]
    with path.open("a") as file:
        file.writelines(line.replace('"first"', f'"old{number}"') + "\n" for number in range(1_000_000))

    async def start() -> float:
        bench = Bench(tmp_path)
        await bench.plain.open()
        began = time.monotonic()
        bench.alignment.begin()
        took = time.monotonic() - began
        bench.journal.mark.look = bench.journal.file.look() or bench.journal.mark.look
        bench.journal.mark.lines = 1_000_003
        bench.journal.mark.jobs = 1_000_001
        await bench.close()
        return took

    asyncio.run(start())
    assert quickest(lambda: asyncio.run(start()), 1.0) < 1.0
