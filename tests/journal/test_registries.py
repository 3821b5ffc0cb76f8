"""The registry's records as older programs use them, and the take-over of such a program's file."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from queuemgr.errors import InvalidJobStateError, RegistryError, StoreUnavailable
from queuemgr.jobs.status import JobStatus
from queuemgr.queue.job_queue import _record
from queuemgr.service.flatrecord import QUEUE
from queuemgr.service.operations import flat
from queuemgr.service.presence import Nobody
from queuemgr.service.registry.importing import import_registry
from queuemgr.service.registry.record import JobRecord
from queuemgr.service.registry.registries import InMemoryRegistry, JsonlRegistry, Registry
from queuemgr.store import Query
from tests.journal.rig import Bench, using

NOW = datetime(2026, 11, 22, 8, 0, 0)  # noqa: DTZ001 - older records are naive


def record(job_id: str = "a", status: JobStatus = JobStatus.PENDING, **more: Any) -> JobRecord:
    values: dict[str, Any] = {"progress": 0, "description": "", "result": None, "created_at": NOW, "updated_at": NOW}
    return JobRecord(job_id=job_id, status=status, **values | more)


@pytest.fixture(params=["file", "memory"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    return JsonlRegistry(tmp_path / "deep" / "registry.jsonl") if request.param == "file" else InMemoryRegistry()


def test_the_last_record_of_an_id_counts(registry: Registry) -> None:
    done = record(
        status=JobStatus.COMPLETED, result={"ж": [1]}, updated_at=NOW + timedelta(seconds=1), completed_at=NOW
    )
    for one in (record(), record("b"), done):
        registry.append(one)
    assert registry.latest("a") == done
    assert registry.latest("c") is None
    assert sorted(one.job_id for one in registry.all_latest()) == ["a", "b"]


def test_a_history_is_in_the_order_of_its_changes(tmp_path: Path) -> None:
    registry = JsonlRegistry(tmp_path / "registry.jsonl")
    later = record(status=JobStatus.RUNNING, updated_at=NOW + timedelta(seconds=1))
    registry.append(later)
    registry.append(record())
    assert registry.get_job_history("a") == [record(), later]
    registry.clear()
    assert registry.all_latest() == []


def test_a_line_always_has_microseconds(tmp_path: Path) -> None:
    JsonlRegistry(tmp_path / "r").append(record())
    assert json.loads((tmp_path / "r").read_text())["updated_at"] == "2026-11-22T08:00:00.000000"


# Made at 02:50 in summer time, and changed a quarter of an hour later, at 02:05 in winter time.
AS_CLOCKS_REPEAT = {"created_at": "2026-10-25T02:50:00.000000", "updated_at": "2026-10-25T02:05:00.000000"}
MADE = datetime(2026, 10, 25, 2, 50)  # noqa: DTZ001 - as it is written


def test_a_line_of_the_hour_that_the_clocks_repeat_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "registry.jsonl").write_text(json.dumps({"job_id": "a", "status": 1, **AS_CLOCKS_REPEAT}))
    registry = JsonlRegistry(tmp_path / "registry.jsonl")
    assert registry.latest("a") == record(status=JobStatus.RUNNING, created_at=MADE, updated_at=MADE)
    assert len(registry.get_job_history("a")) == 1


def test_a_job_queue_has_a_record_of_that_hour_too() -> None:
    facts = {"job_id": "a", "status": "RUNNING", "progress": 0, "description": "", "result": None, **AS_CLOCKS_REPEAT}
    assert _record(facts) == record(status=JobStatus.RUNNING, created_at=MADE, updated_at=MADE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"job_id": ""},
        {"progress": 101},
        {"progress": 1.5},
        {"status": 2},
        {"updated_at": NOW - timedelta(seconds=1)},
    ],
)
def test_a_record_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        record(**wrong)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    registry = JsonlRegistry(tmp_path / "folder")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RegistryError, match="cannot be"):
        registry.append(record())


TIMES = {"created_at": "2026-11-01T10:00:00.5", "updated_at": "2026-11-01T10:00:00.5"}
RECORDS = (
    {"job_id": "done", "status": 0, "progress": 0, "description": "Job created", "result": None, **TIMES},
    {"job_id": "done", "status": 2, "result": {"n": 1}, **TIMES, "updated_at": "2026-11-01T10:01:00"},
    {"job_id": "waits", "status": 0, "description": "Job created", **TIMES},
    {"job_id": "amid", "status": 1, **TIMES},
    {"job_id": "wrong", "status": 3, "description": "no luck", "created_at": "2026-11-01T10:00:00"},
    {"job_id": "stopped", "status": 4, "description": "Job stopped by user", "updated_at": "nonsense"},
    {"job_id": "deleted", "status": 5, "description": "Job deleted", "updated_at": "2026-11-01T10:00:00"},
)
OLDER = "\n".join([*map(json.dumps, RECORDS), "5", "[1]", '{"job_id": "torn", "sta'])


def test_an_older_registry_comes_back_under_its_ids(tmp_path: Path) -> None:
    older = tmp_path / "older.jsonl"
    older.write_text(OLDER)

    async def body(bench: Bench) -> None:
        told = await import_registry(bench.client, older)
        assert told == {"found": 6, "imported": 6, "passed_over": 3}
        jobs = {one["job_id"]: one for one in (await flat.list_records(bench.client, _Idle()))["jobs"]}
        assert {job_id: one["status"] for job_id, one in jobs.items()} == {
            "done": "COMPLETED",
            "waits": "PENDING",
            "amid": "ERROR",
            "wrong": "ERROR",
            "stopped": "STOPPED",
            "deleted": "DELETED",
        }
        assert jobs["done"]["result"] == {"n": 1}
        assert jobs["done"]["completed_at"] == "2026-11-01T10:01:00.000000"
        assert jobs["wrong"]["description"] == "no luck"
        assert (await import_registry(bench.client, older))["imported"] == 0
        with pytest.raises(InvalidJobStateError, match="its class is not known"):
            await flat.start(bench.client, "waits")
        assert await bench.client.count(Query(queue=QUEUE)) == 6

    using(tmp_path, body)


def test_what_was_taken_over_stays_when_somebody_rewrites_the_services_own_registry(tmp_path: Path) -> None:
    older = tmp_path / "older.jsonl"
    older.write_text(OLDER)

    async def body(bench: Bench) -> None:
        await bench.finish("ours")
        await import_registry(bench.client, older, bench.path)
        await bench.align()
        expected = {"done": 2, "waits": 0, "amid": 3, "wrong": 3, "stopped": 4, "deleted": 5, "ours": 2}
        assert bench.latest() == expected
        assert [line["result"] for line in bench.lines() if line["job_id"] == "done"] == [{"n": 1}]
        kept = [line for line in bench.path.read_text().splitlines() if '"ours"' not in line]
        bench.path.write_text("".join(f"{line}\n" for line in kept))
        await bench.align()
        assert await bench.known() == set(expected) - {"ours"}
        before = bench.path.read_text()
        assert (await import_registry(bench.client, older, bench.path))["imported"] == 0
        assert (await import_registry(bench.client, bench.path, bench.path))["imported"] == 0
        assert bench.path.read_text() == before

    using(tmp_path, body)


def test_an_import_that_broke_off_is_brought_to_its_end_by_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "older.jsonl"
    older.write_text(OLDER)

    async def body(bench: Bench) -> None:
        async def breaks_off(_: object) -> int:
            raise StoreUnavailable("killed")

        # By then the lines stand in the registry, and no job in the store.
        monkeypatch.setattr(bench.client.store, "restore", breaks_off)
        with pytest.raises(StoreUnavailable):
            await import_registry(bench.client, older, bench.path)
        monkeypatch.undo()
        await bench.align()
        assert (await import_registry(bench.client, older, bench.path))["imported"] == 6
        await bench.align()
        assert await bench.known() == {"done", "waits", "amid", "wrong", "stopped", "deleted"}

    using(tmp_path, body)


def test_a_registry_that_is_not_there_is_told(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        for place in (tmp_path / "nowhere", tmp_path):
            with pytest.raises(RegistryError, match="there is no file"):
                await import_registry(bench.client, place)

    using(tmp_path, body)


class _Idle(Nobody):
    """A service that runs nothing."""

    def is_suspended(self, _job_id: str) -> bool:
        return False
