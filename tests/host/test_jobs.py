"""The service's jobs from add to purge, asked over the socket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from queuemgr.errors import InvalidJobStateError, JobAlreadyExistsError, JobNotFound, UnknownTask, ValidationError
from queuemgr.service.failures import Misused
from tests.host.rig import until

if TYPE_CHECKING:
    from tests.host.rig import Service

LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")


def test_a_job_waits_until_it_is_started(service: Service) -> None:
    service.add("Echo", "a", start=False, x=1)
    assert service.ask("job.status", job_id="a")["status"] == "PENDING"
    service.ask("job.start", job_id="a")
    record = service.end("a")
    assert (record["status"], record["result"], record["progress"]) == ("COMPLETED", {"x": 1}, 100)


def test_a_record_is_flat_with_local_times(service: Service) -> None:
    record = service.run("Echo", "a", x=1)
    assert record["job_id"] == "a"
    assert record["job_type"] == "Echo"
    for name in ("created_at", "updated_at", "started_at", "completed_at"):
        assert LOCAL.fullmatch(record[name])
    assert record["created_at"] <= record["started_at"] <= record["completed_at"] == record["updated_at"]


@pytest.mark.parametrize("size", [1, 100_000, 1_000_000])
def test_what_is_told_at_the_end_is_what_is_told_afterwards(service: Service, size: int) -> None:
    service.add("Reporting", "a", x="x" * size, success=True)
    record = service.end("a")
    assert (record["status"], record["description"], len(record["result"]["x"])) == ("COMPLETED", "half of it", size)
    assert record == service.ask("job.status", job_id="a")


def test_a_job_can_be_waited_for_before_it_is_started(service: Service) -> None:
    service.add("Echo", "a", start=False, x=1)
    assert service.ask("job.wait", job_id="a", timeout=0)["status"] == "PENDING"
    service.ask("job.start", job_id="a")
    assert service.end("a")["status"] == "COMPLETED"
    with pytest.raises(InvalidJobStateError, match="restart"):
        service.ask("job.start", job_id="a")


def test_a_result_that_tells_of_its_success_is_understood(service: Service) -> None:
    assert service.run("Echo", "good", success=True)["command_success"] is True
    told = service.run("Echo", "inner", command={"result": {"success": False}}, message="no luck")
    assert (told["inner_success"], told["completed_with_error"], told["command_error_summary"]) == (
        False,
        True,
        "no luck",
    )
    assert "command_success" not in service.run("Echo", "silent", x=1)


def test_a_result_that_says_it_failed_makes_an_error_and_is_kept(service: Service) -> None:
    record = service.run("Echo", "a", status="failed", message="no disk")
    assert (record["status"], record["result"]) == ("ERROR", {"status": "failed", "message": "no disk"})
    assert record["description"] == "no disk"


def test_every_exception_reaches_on_error(service: Service) -> None:
    record = service.run("Failing", "a", note=str(service.note()))
    assert (record["status"], record["description"]) == ("ERROR", "'a key'")
    assert service.note().read_text().split("\n")[:2] == ["on_start", "on_error KeyError"]


@pytest.mark.parametrize(
    ("how", "words"), [("exit", "SystemExit: 0"), ("interrupt", "KeyboardInterrupt"), ("assert", "AssertionError")]
)
def test_an_exception_without_words_is_told_by_its_class(service: Service, how: str, words: str) -> None:
    record = service.run("Wordless", "a", how=how)
    assert (record["status"], record["description"]) == ("ERROR", words)


def test_an_execute_that_nobody_awaits_is_no_success(service: Service) -> None:
    record = service.run("Awaiting", "a")
    assert (record["status"], record["result"]) == ("ERROR", None)
    assert "execute is an async function" in record["description"]


def test_a_constructor_that_forgets_its_base_is_told_so(service: Service) -> None:
    record = service.run("Unmade", "a")
    assert record["status"] == "ERROR"
    assert record["description"].endswith("Unmade does not call super().__init__(job_id, params)")


def test_the_hooks_of_a_success_come_in_order(service: Service) -> None:
    service.run("Noted", "a", note=str(service.note()))
    assert service.note().read_text().split() == ["on_start", "execute", "on_end"]


def test_an_id_is_taken_until_it_is_purged(service: Service) -> None:
    service.run("Nothing", "a")
    with pytest.raises(JobAlreadyExistsError, match="'a' already exists"):
        service.add("Nothing", "a")
    assert service.ask("job.delete", job_id="a")["status"] == "DELETED"
    assert service.ask("job.status", job_id="a")["status"] == "DELETED"
    with pytest.raises(JobAlreadyExistsError):
        service.add("Nothing", "a")
    with pytest.raises(InvalidJobStateError, match="purge it"):
        service.ask("job.delete", job_id="a")
    service.ask("job.purge", job_id="a")
    assert service.run("Nothing", "a")["status"] == "COMPLETED"


def test_unknown_ids_are_told_in_a_sentence(service: Service) -> None:
    for verb in (
        "start",
        "stop",
        "delete",
        "purge",
        "status",
        "wait",
        "logs",
        "suspend",
        "resume",
        "restart",
        "inspect",
    ):
        with pytest.raises(JobNotFound, match="no job has the id 'nope'"):
            service.ask(f"job.{verb}", job_id="nope")


def test_what_a_state_does_not_allow_is_refused_with_a_way_out(service: Service) -> None:
    service.run("Nothing", "done")
    with pytest.raises(InvalidJobStateError, match="cannot start job 'done' in state COMPLETED: restart it") as caught:
        service.ask("job.start", job_id="done")
    assert (caught.value.job_id, caught.value.current_status) == ("done", "COMPLETED")
    for verb in ("stop", "suspend", "resume", "inspect"):
        with pytest.raises(InvalidJobStateError):
            service.ask(f"job.{verb}", job_id="done")


def test_a_class_that_is_not_there_is_refused_when_the_job_is_added(service: Service) -> None:
    with pytest.raises(UnknownTask, match="did you mean 'Echo'"):
        service.add("Ecko", "a")
    with pytest.raises(UnknownTask, match="no module"):
        service.ask("job.add", job_class="nowhere.Job", job_id="a")
    assert service.ask("job.list")["jobs"] == []


def test_what_is_no_job_class_fails_with_a_sentence(service: Service) -> None:
    record = service.run("not_a_job", "a")
    assert record["status"] == "ERROR"
    assert "is no job class" in record["description"]


@pytest.mark.parametrize("job_id", ["", "line\nend", "x" * 501])
def test_an_id_that_cannot_be_one_is_refused(service: Service, job_id: str) -> None:
    with pytest.raises(ValidationError, match="job_id"):
        service.add("Nothing", job_id)


def test_options_hold_for_the_job(service: Service) -> None:
    service.run("Nothing", "first")
    service.add("Sleeping", "a", options={"timeout": 2.0}, note=str(service.note()))
    record = service.end("a")
    assert (record["status"], record["description"]) == ("ERROR", "stopped after 2.0 s by SIGTERM")
    assert (record["result"], record["progress"]) == ({"so far": 1}, 40)
    with pytest.raises(Exception, match="there is no option 'tiemout': did you mean 'timeout'"):
        service.add("Nothing", "b", options={"tiemout": 1})


def test_a_finished_job_can_run_again(service: Service) -> None:
    service.run("Failing", "a", note=str(service.note()))
    service.ask("job.restart", job_id="a")
    assert service.end("a")["status"] == "ERROR"
    assert service.note().read_text().count("on_start") == 2


def test_a_list_is_newest_first_and_filtered_by_status(service: Service) -> None:
    service.run("Nothing", "done")
    service.add("Nothing", "waits", start=False)
    service.run("Nothing", "gone")
    service.ask("job.delete", job_id="gone")
    listed = service.ask("job.list")["jobs"]
    assert {job["job_id"]: job["status"] for job in listed} == {
        "done": "COMPLETED",
        "waits": "PENDING",
        "gone": "DELETED",
    }
    for status, ids in (("completed", ["done"]), ("PENDING", ["waits"]), ("deleted", ["gone"]), ("stopped", [])):
        assert [job["job_id"] for job in service.ask("job.list", status_filter=status)["jobs"]] == ids
    with pytest.raises(Misused, match="did you mean 'PENDING'"):
        service.ask("job.list", status_filter="pendig")


def test_a_list_comes_in_pages(service: Service) -> None:
    for number in range(5):
        service.add("Nothing", f"job{number}", start=False)
    first = service.ask("job.list", limit=3)
    rest = service.ask("job.list", limit=3, after=first["after"])
    assert len(first["jobs"]) == 3
    assert {job["job_id"] for job in first["jobs"] + rest["jobs"]} == {f"job{number}" for number in range(5)}
    assert rest["after"] is None


def test_output_is_told_by_stream(service: Service) -> None:
    service.run("Printing", "a")
    logs = until(lambda: service.ask("job.logs", job_id="a"))
    assert sorted(logs["stdout"]) == ["from a child", "to stdout"]
    assert logs["stderr"] == ["to stderr"]


def test_the_service_counts_its_jobs(service: Service) -> None:
    service.run("Nothing", "done")
    service.add("Nothing", "waits", start=False)
    told = service.ask("service.status")
    assert (told["status"], told["pid"], told["total_jobs"]) == ("running", service.pid, 2)
    assert told["jobs"] == {"PENDING": 1, "RUNNING": 0, "COMPLETED": 1, "ERROR": 0, "STOPPED": 0, "DELETED": 0}


def test_no_more_jobs_run_at_once_than_allowed(idle: Service) -> None:
    idle.begin(max_concurrent_jobs=3)
    for number in range(12):
        idle.add("Counting", f"job{number}", folder=str(idle.folder), seconds=0.1)
    most = [idle.end(f"job{number}")["result"] for number in range(12)]
    assert max(most) == 3


def test_code_that_changed_is_used_after_a_reload(service: Service) -> None:
    assert service.ask("service.reload") == {"reloaded": True}
    assert service.run("Echo", "a", x=1)["result"] == {"x": 1}


def test_a_large_result_comes_whole_and_by_pages(service: Service) -> None:
    service.add("Growing", "a", items=200_000)
    record = service.end("a")
    assert len(record["result"]) == 200_000
    listed = service.ask("job.list")["jobs"][0]
    assert listed["result"]["summary"] is True
    assert listed["result"]["size"] == record["result_size"] > 1_000_000
    assert service.ask("job.page", job_id="a", offset=150_000, limit=2)["items"] == record["result"][150_000:150_002]


def test_a_result_beyond_the_limit_is_an_error_and_leaves_nothing(idle: Service) -> None:
    idle.begin(max_result=500_000)
    record = idle.run("Growing", "large", items=200_000)
    assert (record["status"], record["result"]) == ("ERROR", None)
    assert "the limit is 500,000" in record["description"]
    assert idle.run("Growing", "small", items=20)["status"] == "COMPLETED"


@pytest.mark.parametrize("setting", [{"keep_results": 0.2}, {"results_quota": 1_300_000}])
def test_old_results_go_by_age_and_by_bytes_and_their_jobs_stay(idle: Service, setting: dict[str, float]) -> None:
    idle.begin(cleanup_interval=0.1, **setting)
    for number in range(5):
        assert idle.run("Noise", f"job{number}")["status"] == "COMPLETED"
    until(lambda: "gone" in idle.ask("job.status", job_id="job0", whole=0)["result"])
    record = idle.ask("job.status", job_id="job0")
    assert (record["status"], record["result"]["summary"]) == ("COMPLETED", True)
    assert "too old or too much" in record["result"]["gone"]
    assert record["result"]["size"] == record["result_size"] > 1_000_000
