"""The time for which a job is halted does not count against its time-out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.host.rig import lives

if TYPE_CHECKING:
    from tests.host.rig import Service


def test_a_time_out_stands_still_while_its_job_is_suspended(service: Service) -> None:
    service.add("Sleeping", "a", note=str(service.note("a")), options={"timeout": 1.0})
    pid = service.began("a")
    service.ask("job.suspend", job_id="a")
    time.sleep(1.5)  # longer than the job may take: nobody could tell otherwise that it goes on
    assert service.ask("job.status", job_id="a")["status"] == "RUNNING"
    assert lives(pid)
    service.ask("job.resume", job_id="a")
    resumed = time.monotonic()
    assert service.ask("job.status", job_id="a")["status"] == "RUNNING"
    record = service.end("a")
    assert record["status"] == "ERROR"
    assert time.monotonic() - resumed < 5
