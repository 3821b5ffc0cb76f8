"""What became of jobs that were changed, enqueued or run again, as answers tell it."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from msgspec import Meta

from .jobs import JobFacts
from .units import Counts, Moment, StateWord


class JobCount(TypedDict):
    verb: str
    matched: int
    states: Annotated[Counts, Meta(description="without states in which there is none")]


class MatchingChanged(TypedDict):
    verb: str
    changed: Annotated[int, Meta(description="how many jobs")]


class ChangedJob(TypedDict):
    id: str
    changed: bool
    state: Annotated[StateWord | None, Meta(description="null where the job is not there")]
    message: Annotated[str | None, Meta(description="why it did not change")]


class JobsChanged(MatchingChanged):
    jobs: list[ChangedJob]


class ChangeShown(TypedDict):
    """A change that was asked for with an Idempotency-Key."""

    at: Moment
    began_at: Moment
    ended: bool
    status: Annotated[int | None, Meta(description="with which the request was or would have been answered")]
    answer: Annotated[dict[str, Any] | None, Meta(description="the same: with 200 that of the operation, or a problem")]


class JobsPrioritised(TypedDict):
    priority: int
    changed: Annotated[int, Meta(description="how many jobs it was given, those that had it already with them")]


class Obstacle(TypedDict):
    """Why no worker that lives now would run the job."""

    why: str
    purpose: str
    command: str


class JobEnqueued(TypedDict):
    id: str
    existing: Annotated[bool, Meta(description="there was one with its unique key, which this is")]
    job: JobFacts
    obstacles: list[Obstacle]


class JobRerun(JobEnqueued):
    of: Annotated[str, Meta(description="the id of the job that was run again")]
