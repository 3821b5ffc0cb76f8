"""Ended jobs go by themselves, and where there is no room a new job is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.errors import ConfigError, ProcessControlError
from queuemgr.service.host.config import HostConfig
from tests.host.rig import until

if TYPE_CHECKING:
    from tests.host.rig import Service


def known(service: Service) -> dict[str, str]:
    return {job["job_id"]: job["status"] for job in service.ask("job.list")["jobs"]}


def test_each_kind_of_end_has_its_own_time(idle: Service) -> None:
    service = idle.begin(cleanup_interval=0.1, keep=0.0, keep_failed=3600.0, keep_stopped=3600.0, keep_deleted=0.0)
    service.run("Failing", "failed", note=str(service.note()))
    service.add("Sleeping", "stopped", note=str(service.note("other")))
    service.began("other")
    service.ask("job.stop", job_id="stopped")
    service.add("Nothing", "deleted", start=False)
    service.ask("job.delete", job_id="deleted")
    service.add("Nothing", "waiting", start=False)
    service.add("Nothing", "done")
    until(lambda: known(service) == {"failed": "ERROR", "stopped": "STOPPED", "waiting": "PENDING"})


def test_only_the_newest_ended_jobs_stay(idle: Service) -> None:
    service = idle.begin(cleanup_interval=0.1, max_retained_jobs=2)
    service.add("Nothing", "waiting", start=False)
    for number in range(4):
        service.run("Nothing", f"job{number}")
    until(lambda: known(service) == {"waiting": "PENDING", "job2": "COMPLETED", "job3": "COMPLETED"})


def test_a_job_that_nobody_starts_is_deleted(idle: Service) -> None:
    service = idle.begin(cleanup_interval=0.1, keep_pending=0.2)
    service.add("Nothing", "waiting", start=False)
    until(lambda: known(service) == {"waiting": "DELETED"})


def test_without_such_settings_everything_stays(idle: Service) -> None:
    service = idle.begin(cleanup_interval=0.05)
    service.run("Nothing", "a")
    service.run("Nothing", "b")
    assert known(service) == {"a": "COMPLETED", "b": "COMPLETED"}


def test_the_oldest_ended_jobs_make_room_and_without_any_a_job_is_refused(idle: Service) -> None:
    service = idle.begin(max_queue_size=3)
    for number in range(3):
        service.run("Nothing", f"ended{number}")
    for name in ("a", "b", "c"):
        service.add("Nothing", name, start=False)
    assert known(service) == {"a": "PENDING", "b": "PENDING", "c": "PENDING"}
    with pytest.raises(ProcessControlError, match=r"job 'd' during add: 3 jobs are known, .* none of them has ended"):
        service.add("Nothing", "d")
    service.ask("job.purge", job_id="b")
    service.add("Nothing", "d", start=False)
    assert known(service) == {"a": "PENDING", "c": "PENDING", "d": "PENDING"}


def test_a_class_has_a_limit_of_jobs_that_have_not_ended(idle: Service) -> None:
    service = idle.begin(per_job_type_limits={"Sleeping": 1})
    service.run("Nothing", "other")
    service.add("Sleeping", "a", note=str(service.note()), polite=True)
    service.began()
    with pytest.raises(ProcessControlError, match="1 jobs of Sleeping have not ended"):
        service.add("Sleeping", "b")
    assert known(service)["a"] == "RUNNING"
    service.ask("job.stop", job_id="a")
    service.add("Sleeping", "b", start=False)


@pytest.mark.parametrize(
    "setting",
    [{"keep": -1.0}, {"keep_failed": float("nan")}, {"max_retained_jobs": -1}, {"max_queue_size": 0}],
    ids=str,
)
def test_what_makes_no_sense_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(setting))):
        HostConfig(**setting)
