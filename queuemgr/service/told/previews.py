"""What changes would do, as answers tell it before they are carried out."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from .schedules import ScheduleFacts
from .service import StatusWord
from .units import Counts, StateWord


class Would(TypedDict):
    would: Annotated[str, Meta(description="what it would do, in words")]


class JobsWould(Would):
    matched: Annotated[int, Meta(description="how many jobs it would reach")]
    states: Annotated[Counts, Meta(description="without states in which there is none")]


class QueueNow(TypedDict):
    name: str
    paused: NotRequired[bool]
    counts: NotRequired[Annotated[Counts, Meta(description="without states in which there is none")]]
    workers: NotRequired[Annotated[int, Meta(description="workers that take jobs of it")]]
    new: NotRequired[Annotated[bool, Meta(description="true where there is none of that name yet")]]


class QueuesWould(Would):
    queues: list[QueueNow]


class QueuesDrainWould(QueuesWould):
    matched: Annotated[int, Meta(description="how many jobs it would delete")]
    states: Annotated[Counts, Meta(description="without states in which there is none")]


class WorkerNow(TypedDict):
    id: str
    name: str
    state: Annotated[str, Meta(description="running, quiet or stopping")]
    alive: bool
    running: Annotated[int, Meta(description="jobs that it runs now")]
    queues: list[str]


class WorkersWould(Would):
    workers: list[WorkerNow]


class ScheduleWould(Would):
    now: Annotated[ScheduleFacts | None, Meta(description="the one of that name; null where there is none")]


class EnqueueWould(Would):
    known: Annotated[bool, Meta(description="the app or a living worker knows the task")]


class JobNow(TypedDict):
    id: str
    task: str
    queue: str
    state: StateWord


class RerunWould(Would):
    job: JobNow


class FlatJobNow(TypedDict):
    status: StatusWord
    progress: Annotated[int, Meta(description="0 to 100")]
    job_class: NotRequired[str]


class FlatJobWould(Would):
    job: FlatJobNow


class PruneWould(Would):
    states: Annotated[Counts, Meta(description="jobs that have ended, whether they are over or not")]
