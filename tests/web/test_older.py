"""The routes of earlier versions, with a real service behind them and without one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuemgr.codec import Codec
from queuemgr.job import Job, State
from queuemgr.secret import DOTS, Secret
from queuemgr.service.flatrecord import QUEUE, at_rest
from queuemgr.service.places import Place
from queuemgr.service.web.bridge import Bridge
from queuemgr.service.web.config import WebConfig
from queuemgr.service.web.request import as_json, encode
from queuemgr.stores.sqlite.store import SqliteStore
from tests.host.rig import JOBS, Service
from tests.web.rig import Asked


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path).begin()
    yield service
    service.close()


@pytest.fixture
def beside(service: Service, url: str, tmp_path: Path) -> Iterator[Asked]:
    """A page that looks at another store than the service does."""
    folder = service.config.proc_dir
    bridge = Bridge(WebConfig(place=Place(url), token_file=str(tmp_path / "tokens.json"), proc_dir=folder))
    yield Asked(bridge)
    bridge.close()


def test_a_job_goes_through_its_whole_life(beside: Asked, service: Service) -> None:
    body = {"job_class_name": f"{JOBS}.Echo", "job_id": "a", "params": {"x": 1}}
    assert beside("POST", "/api/jobs", body).json == {"status": "success", "message": "Job a added"}
    status = beside("GET", "/api/status").json
    assert (status["status"], status["total_jobs"], status["running_jobs"]) == ("running", 1, 0)
    assert status["uptime"] >= 0
    assert beside("POST", "/api/jobs/a/start").json["message"] == "Job a started"
    service.end("a")
    shown = beside("GET", "/api/jobs/a").json
    assert (shown["job_id"], shown["status"], shown["result"]) == ("a", "COMPLETED", {"x": 1})
    listed = beside("GET", "/api/jobs").json
    assert [job["job_id"] for job in listed] == ["a"]
    assert [job["job_id"] for job in beside("GET", "/api/jobs?status=").json["jobs"]] == ["a"]
    assert beside("GET", "/api/jobs?status=running").json == {"jobs": []}
    assert beside("GET", "/api/v1/service/jobs/a").json["status"] == "COMPLETED"


def test_both_names_of_the_class_and_both_ways_to_delete_are_taken(beside: Asked) -> None:
    for job_id, key in (("a", "job_class"), ("b", "job_class_name")):
        assert beside("POST", "/api/jobs", {key: f"{JOBS}.Echo", "job_id": job_id}).status == 200
    assert beside("DELETE", "/api/jobs/a").json == {"status": "success", "message": "Job a deleted"}
    assert beside("POST", "/api/jobs/b/delete", {"force": True}).json["message"] == "Job b deleted"


def test_what_is_missing_is_told_in_the_words_of_before(beside: Asked) -> None:
    for body in ({}, {"job_id": "a"}, {"job_class": f"{JOBS}.Echo"}):
        answer = beside("POST", "/api/jobs", body)
        assert (answer.status, answer.json) == (400, {"error": "job_class and job_id are required"})
    missing = beside("POST", "/api/jobs/none/start")
    assert missing.status == 404
    assert missing.json["status"] == "error"
    assert missing.json["message"] == missing.json["error"]
    assert beside("GET", "/api/jobs?status=odd").status == 400


def test_the_service_is_stopped_by_its_route(beside: Asked, service: Service) -> None:
    assert beside("POST", "/api/start").json["status"] == "success"
    assert beside("POST", "/api/stop").json["status"] == "success"
    assert service.process is not None
    service.process.wait(20)
    assert beside("GET", "/api/status").json == {"status": "stopped"}


def test_without_a_service_the_status_says_so_and_the_rest_what_to_do(asked: Asked) -> None:
    assert asked("GET", "/api/status").json == {"status": "stopped"}
    refused = asked("POST", "/api/start")
    assert refused.status == 503
    assert "service start" in refused.json["message"]


def test_a_secret_in_a_result_of_any_size_is_dots(tmp_path: Path, url: str) -> None:
    service = Service(tmp_path)
    codec = Codec()
    results = {
        "small": codec.encode({"card": Secret("4111 1111"), "ok": True}),
        "large": codec.encode({"rows": [{"card": Secret("4111 1111"), "text": "x" * 100} for _ in range(3000)]}),
        "list": codec.encode([Secret({"deep": "4111 1111"})] * 2000),
    }

    async def fill() -> None:
        store = SqliteStore(service.config.url)
        args = codec.encode([["id", {"card": Secret("4111 1111")}]])
        jobs = [Job(id=name, task="shop.Pay", args=args, queue=QUEUE, created_at=1e9) for name in results]
        await store.restore([at_rest(job, State.SUCCEEDED, (1e9, 2e9), None, results[job.id]) for job in jobs])
        await store.close()

    asyncio.run(fill())
    service.begin()
    bridge = Bridge(WebConfig(place=Place(url), token_file=str(tmp_path / "t"), proc_dir=service.config.proc_dir))
    try:
        for where in ("/api/jobs/{}", "/api/v1/service/jobs/{}"):
            for name in results:
                answer = Asked(bridge)("GET", where.format(name))
                assert answer.status == 200, answer.data[:300]
                assert b"4111" not in answer.data
                assert b"deep" not in answer.data
        assert b"4111" not in Asked(bridge)("GET", "/api/jobs").data
    finally:
        bridge.close()
        service.close()


def test_facts_that_hold_a_secret_are_told_with_dots() -> None:
    assert as_json({"card": Secret("4111 1111")}).body == encode({"card": DOTS})
