"""Stopping, suspending and looking into a job that runs, with everything that it started."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.host.rig import below, lives, until

if TYPE_CHECKING:
    from tests.host.rig import Service

pytestmark = pytest.mark.crash


def sleeping(service: Service, job_id: str = "a", **params: Any) -> int:
    service.add("Sleeping", job_id, note=str(service.note(job_id)), **params)
    return service.began(job_id)


def test_a_job_that_looks_ends_by_itself(service: Service) -> None:
    pid = sleeping(service, polite=True)
    record = service.ask("job.stop", job_id="a", notice=10)
    assert record["status"] == "STOPPED"
    assert record["description"] == "cancelled while running, by itself when it was told to"
    assert record["result"] == {"so far": 1}
    assert service.note("a").read_text().split() == ["on_start", "execute", str(pid), "on_stop"]


def test_a_job_that_does_not_look_is_interrupted_and_can_clean_up(service: Service) -> None:
    sleeping(service)
    record = service.ask("job.stop", job_id="a")
    assert record["description"] == "cancelled while running, by SIGTERM"
    assert (record["command_success"], record["result"]) == (False, {"so far": 1})
    assert service.note("a").read_text().endswith("on_stop\n")


def test_a_job_that_ignores_sigterm_is_killed(service: Service) -> None:
    pid = sleeping(service, stubborn=True)
    record = service.ask("job.stop", job_id="a", notice=0, grace=0.2)
    assert record["description"] == "cancelled while running, by SIGKILL"
    assert not lives(pid)


def test_a_stop_may_be_hurried(service: Service) -> None:
    pid = sleeping(service, stubborn=True)
    service.ask("job.stop", job_id="a", notice=60, grace=60, wait=False)
    began = time.monotonic()
    service.ask("job.stop", job_id="a", notice=0, grace=0)
    assert time.monotonic() - began < 30
    assert not lives(pid)


def test_a_stop_ends_the_whole_family(service: Service) -> None:
    pid = sleeping(service, family=True)
    family = until(lambda: found if len(found := below(pid)) == 2 else [])
    service.ask("job.stop", job_id="a", notice=0)
    assert len(family) == 2
    until(lambda: not any(map(lives, [pid, *family])))


def test_a_job_that_waits_is_stopped_at_once(service: Service) -> None:
    service.add("Nothing", "a", start=False)
    record = service.ask("job.stop", job_id="a")
    assert (record["status"], record["description"]) == ("STOPPED", "cancelled before it ran")


def test_other_requests_are_answered_while_a_stop_takes_its_time(service: Service) -> None:
    sleeping(service, stubborn=True)
    stopping = threading.Thread(target=service.ask, args=("job.stop",), kwargs={"job_id": "a", "notice": 60})
    stopping.start()
    until(lambda: "told to stop" in service.note("a").read_text())
    for _ in range(5):
        service.ask("job.list")
    assert stopping.is_alive()
    service.ask("job.stop", job_id="a", notice=0, grace=0)
    stopping.join()
    assert service.ask("job.status", job_id="a")["status"] == "STOPPED"


def test_a_suspended_job_uses_no_processor_until_it_goes_on(service: Service) -> None:
    pid = sleeping(service, family=True)
    service.ask("job.suspend", job_id="a")
    process = psutil.Process(pid)
    until(lambda: process.status() == psutil.STATUS_STOPPED)
    until(lambda: all(psutil.Process(one).status() == psutil.STATUS_STOPPED for one in below(pid)))
    assert service.ask("job.status", job_id="a")["suspended"] is True
    service.ask("job.resume", job_id="a")
    until(lambda: process.status() != psutil.STATUS_STOPPED)
    assert "suspended" not in service.ask("job.status", job_id="a")


def test_a_suspended_job_can_be_stopped(service: Service) -> None:
    sleeping(service)
    service.ask("job.suspend", job_id="a")
    assert service.ask("job.stop", job_id="a")["description"] == "cancelled while running, by SIGTERM"


def test_a_look_into_a_job_shows_its_family_and_where_its_code_stands(service: Service) -> None:
    pid = sleeping(service, family=True)
    seen = service.ask("job.inspect", job_id="a")
    assert seen["pid"] == pid
    assert len(seen["processes"]) == 3
    assert all(one["memory"] > 0 for one in seen["processes"] if one["state"] != "zombie")
    assert "jobs_for_tests.py" in seen["stack"]
    assert "in execute" in seen["stack"]
    again = service.ask("job.inspect", job_id="a")
    assert again["stack"].count("most recent call first") == seen["stack"].count("most recent call first")


def test_a_look_into_a_suspended_job_has_no_stack(service: Service) -> None:
    sleeping(service)
    service.ask("job.suspend", job_id="a")
    seen = service.ask("job.inspect", job_id="a")
    assert (seen["stack"], seen["suspended"]) == (None, True)


def test_a_running_job_that_is_deleted_is_stopped_first(service: Service) -> None:
    pid = sleeping(service)
    assert service.ask("job.delete", job_id="a")["status"] == "DELETED"
    assert not lives(pid)
    assert "on_stop" in service.note("a").read_text()


def test_a_job_that_is_deleted_by_force_is_killed(service: Service) -> None:
    pid = sleeping(service)
    service.ask("job.delete", job_id="a", force=True)
    until(lambda: not lives(pid))


def test_a_running_job_is_not_purged(service: Service) -> None:
    sleeping(service)
    with pytest.raises(Exception, match="cannot purge job 'a' in state RUNNING: stop or delete it first"):
        service.ask("job.purge", job_id="a")


def test_a_running_job_starts_afresh_when_it_is_restarted(service: Service) -> None:
    first = sleeping(service)
    service.ask("job.restart", job_id="a")
    second = until(lambda: (pid := service.began("a")) != first and pid)
    assert not lives(first)
    assert lives(second)


def test_the_service_gives_running_jobs_their_time_and_keeps_waiting_ones(service: Service) -> None:
    pid = sleeping(service)
    service.add("Nothing", "waits", start=False)
    service.close()
    assert not lives(pid)
    assert "on_stop" in service.note("a").read_text()
    service.begin()
    assert service.ask("job.status", job_id="a")["status"] == "STOPPED"
    assert service.ask("job.status", job_id="waits")["status"] == "PENDING"


def test_a_job_that_ends_within_the_shutdown_is_completed(idle: Service) -> None:
    idle.begin(shutdown_timeout=10.0)
    idle.add("Counting", "a", folder=str(idle.folder), seconds=0.5)
    until(lambda: list(idle.folder.glob("*.running")))
    idle.close()
    assert idle.begin().ask("job.status", job_id="a")["status"] == "STOPPED"


def test_interrupted_jobs_run_again_where_that_was_chosen(idle: Service) -> None:
    idle.begin(on_interrupt="restart")
    first = sleeping(idle)
    idle.close()
    idle.begin()
    assert until(lambda: (pid := idle.began("a")) != first and pid)
