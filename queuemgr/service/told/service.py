"""The running service and its own jobs, as answers tell them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from .units import Bytes, Moment, Seconds, Untagged

StatusWord = Literal["PENDING", "RUNNING", "COMPLETED", "ERROR", "STOPPED", "DELETED"]
LocalTime = Annotated[str, Meta(description="local time without a zone, with microseconds")]


class FlatJob(TypedDict):
    """A job as older programs read it. What is left of a deleted one may lack what was never known of it."""

    job_id: str
    status: StatusWord
    progress: Annotated[int, Meta(description="0 to 100")]
    description: str
    result: Annotated[Any, Meta(description="whole; beyond a size what it looks like, with summary: true")]
    created_at: LocalTime
    updated_at: LocalTime
    job_type: str
    job_class: NotRequired[str]
    result_size: NotRequired[Bytes]
    started_at: NotRequired[LocalTime]
    completed_at: NotRequired[LocalTime]
    suspended: NotRequired[bool]
    command_success: NotRequired[Annotated[bool, Meta(description="what its result says of the command inside")]]
    inner_success: NotRequired[bool]
    completed_with_error: NotRequired[bool]
    command_error_summary: NotRequired[str | None]


class ListedFlatJob(FlatJob):
    is_running: bool


class FlatJobPage(TypedDict):
    jobs: Annotated[list[ListedFlatJob], Meta(description="newest first")]
    after: Annotated[str | None, Meta(description="where the next page begins; null at the end")]


class FlatJobAsked(TypedDict):
    job_id: str
    status: StatusWord


class FlatJobPurged(TypedDict):
    job_id: str
    purged: bool


class FlatJobSuspended(TypedDict):
    job_id: str
    suspended: bool


class FlatJobItems(TypedDict):
    items: list[Untagged]
    offset: int
    at: Annotated[str | None, Meta(description="the key at which the result has the list")]


class FlatJobLogs(TypedDict):
    stdout: list[str]
    stderr: list[str]
    log: list[str]


class ProcessFacts(TypedDict):
    pid: int
    parent: int
    command: str
    state: str
    cpu: Annotated[float, Meta(description="seconds of processor time")]
    memory: Bytes
    threads: int
    started_at: Moment
    files: list[str]


class Inspected(TypedDict):
    pid: int
    processes: Annotated[list[ProcessFacts], Meta(description="that of the job first, then all below it")]
    stack: Annotated[str | None, Meta(description="null where it could not be told")]


class InspectedJob(Inspected):
    suspended: bool


class FlatJobInspected(InspectedJob):
    job_id: str


class ServiceFacts(TypedDict):
    pid: int
    started_at: Moment
    uptime: Seconds
    store: str
    registry_path: str
    proc_dir: str
    socket: str
    max_concurrent_jobs: int


class ServiceStatus(ServiceFacts):
    status: str
    total_jobs: int
    running_jobs: int
    jobs: Annotated[dict[StatusWord, int], Meta(description="by status")]


class JobClasses(TypedDict):
    classes: list[str]


class Stopping(TypedDict):
    stopping: bool


class Reloaded(TypedDict):
    reloaded: bool
