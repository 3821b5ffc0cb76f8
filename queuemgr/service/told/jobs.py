"""Jobs, their runs and their output, as answers tell them."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from .units import Bytes, Failure, Moment, Percent, Seconds, StateWord, StreamWord, Tagged

After = Annotated[str | None, Meta(description="where the next page begins; null at the end")]


class JobFacts(TypedDict):
    id: str
    task: str
    queue: str
    state: StateWord
    priority: Annotated[int, Meta(description="0 to 9; 9 runs first")]
    created_at: Moment
    run_at: Annotated[Moment | None, Meta(description="the moment before which it does not run")]
    started_at: Moment | None
    finished_at: Moment | None
    expires_at: Annotated[Moment | None, Meta(description="the moment at which it is forgotten")]
    attempt: Annotated[int, Meta(description="the number of its newest run")]
    failures: int
    crashes: Annotated[int, Meta(description="runs that ended with their worker or process")]
    worker: str | None
    progress: Percent | None
    note: Annotated[str | None, Meta(description="what it last said of its progress")]
    error: Failure | None
    unique_key: str | None
    options: Annotated[dict[str, Any], Meta(description="what was asked for beside the options of its task")]
    cancel_requested: bool
    result_size: Bytes | None
    tags: list[str]
    position: Annotated[str, Meta(description="its place among all jobs: a page begins after one")]
    seconds_left: Annotated[Seconds | None, Meta(description="estimated from its own progress")]


class AttemptFacts(TypedDict):
    number: int
    worker: str
    started_at: Moment
    ended_at: Moment
    duration: Seconds
    outcome: str
    error: Failure | None
    exit_signal: Annotated[str | None, Meta(description="what ended its process, for example SIGKILL")]
    peak_memory: Bytes | None


class LineFacts(TypedDict):
    position: int
    attempt: int
    at: Moment
    stream: StreamWord
    text: str


class JobPage(TypedDict):
    at: Moment
    jobs: Annotated[list[JobFacts], Meta(description="newest first")]
    after: After
    scanned: NotRequired[Annotated[int, Meta(description="jobs that a search looked at")]]


class ShownArguments(TypedDict):
    positional: list[Tagged]
    named: dict[str, Tagged]
    size: Bytes
    unreadable: NotRequired[Annotated[str, Meta(description="why they cannot be read")]]
    raw: NotRequired[Annotated[str, Meta(description="the beginning of the record that cannot be read, as text")]]


class ShownResult(TypedDict):
    value: Tagged
    size: Bytes
    unreadable: NotRequired[Annotated[str, Meta(description="why it cannot be read or shown")]]


class EndedJob(JobFacts):
    result: ShownResult | None


class EndedJobs(TypedDict):
    at: Moment
    jobs: list[EndedJob]


class NextCommand(TypedDict):
    purpose: str
    command: str


class JobShown(TypedDict):
    at: Moment
    job: JobFacts
    why: Annotated[str, Meta(description="why it is where it is, in a sentence")]
    next: NextCommand | None
    arguments: ShownArguments
    result: ShownResult | None
    attempts: list[AttemptFacts]
    output: Annotated[list[LineFacts], Meta(description="its last lines")]
