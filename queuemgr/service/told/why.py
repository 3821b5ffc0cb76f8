"""Why a job is where it is, as the answer tells it."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from .jobs import JobFacts
from .units import Moment, Rate, Seconds, StateWord

Code = Annotated[str, Meta(description="it never changes its meaning")]
Params = Annotated[dict[str, Any], Meta(description="the values in the text")]


class ReasonFacts(TypedDict):
    code: Code
    text: str
    params: Params
    details: Annotated[dict[str, Any], Meta(description="what may be shown beside it")]


class NextFacts(TypedDict):
    """What happens by itself."""

    code: Code
    text: str
    at: Annotated[Moment | None, Meta(description="when, where that can be known")]
    params: Params


class StepFacts(TypedDict):
    code: Code
    purpose: str
    command: str


class WorkersSeen(TypedDict):
    alive: int
    of_queue: int
    fitting: int


class LoadFacts(TypedDict):
    worker: str
    slots: int
    running: int


class PositionFacts(TypedDict):
    """How many jobs of its queue go before it."""

    least: int
    most: int
    about: int
    exact: bool


class SuccessesFacts(TypedDict):
    """Runs of its task that succeeded lately."""

    number: int
    looked: Annotated[int, Meta(description="jobs among which they were found")]
    median: NotRequired[Seconds]
    longest: NotRequired[Seconds]


class DifferenceFacts(TypedDict):
    what: Annotated[str, Meta(description="arguments, worker, host, duration or attempts")]
    name: Annotated[str | None, Meta(description="which argument")]
    then: Any
    now: Any


class ComparisonFacts(TypedDict):
    """The last success of its task, and what was different then."""

    id: str
    finished_at: Moment | None
    differences: list[DifferenceFacts]


class AlikeFacts(TypedDict):
    """Other dead jobs of its queue that failed like it."""

    number: int
    since: Moment | None
    looked: int
    complete: Annotated[bool, Meta(description="there are no more")]
    ids: list[str]


class Evidence(TypedDict):
    """What the reasons were told from; null where the job's state does not call for it."""

    workers: WorkersSeen
    loads: list[LoadFacts]
    position: PositionFacts | None
    pace: Annotated[Rate | None, Meta(description="at which jobs of the queue succeed")]
    successes: SuccessesFacts | None
    last_success: ComparisonFacts | None
    alike: AlikeFacts | None
    last_said: Annotated[Moment | None, Meta(description="when it last printed or logged anything")]
    timeout: Seconds | None


class JobWhy(TypedDict):
    at: Moment
    job: JobFacts
    state: StateWord
    reasons: Annotated[list[ReasonFacts], Meta(description="the weightiest first")]
    next: NextFacts | None
    steps: list[StepFacts]
    evidence: Evidence
