"""What the service tells of a job: as much of its result as was asked for, and why it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.host.rig import until

if TYPE_CHECKING:
    from tests.host.rig import Service


def test_a_result_beyond_the_asked_size_is_told_at_a_glance(service: Service) -> None:
    record = service.run("Growing", "a", items=500)
    assert len(record["result"]) == 500
    for verb in ("job.status", "job.wait"):
        glance = service.ask(verb, job_id="a", whole=1000)["result"]
        assert glance["summary"] is True
        assert glance["length"] == 500
        assert glance["sample"][0] == {"number": 0}
        assert service.ask(verb, job_id="a", whole=100_000)["result"] == record["result"]


def test_a_pending_job_that_expired_says_so(idle: Service) -> None:
    service = idle.begin(cleanup_interval=0.1, keep_pending=0.2)
    service.add("Nothing", "waiting", start=False)
    (record,) = until(lambda: service.ask("job.list", status_filter="deleted")["jobs"])
    assert record["description"] == "Pending job expired"
    registry = service.note("registry.jsonl")
    line = until(lambda: [one for one in registry.read_text().splitlines() if '"status":5' in one])
    assert '"description":"Pending job expired"' in line[-1]
