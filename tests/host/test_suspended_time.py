"""The time for which a job is halted does not count against its time-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.host.rig import lives

if TYPE_CHECKING:
    from tests.host.rig import Service


def test_a_time_out_stands_still_while_its_job_is_suspended(service: Service) -> None:
    service.add("Sleeping", "a", note=str(service.note("a")), options={"timeout": 2.0})
    pid = service.began("a")
    service.ask("job.suspend", job_id="a")
    service.add("Sleeping", "b", note=str(service.note("b")), options={"timeout": 2.0})
    assert service.end("b")["status"] == "ERROR"  # it began later, and its time is over
    assert service.ask("job.status", job_id="a")["status"] == "RUNNING"
    assert lives(pid)
    service.ask("job.resume", job_id="a")
    assert service.ask("job.status", job_id="a")["status"] == "RUNNING"
    assert service.end("a")["status"] == "ERROR"
