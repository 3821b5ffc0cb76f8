"""Workers and the tasks that they know, as answers tell them."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from .units import Bytes, Moment, Seconds


class WorkerFacts(TypedDict):
    id: str
    name: str
    alive: bool
    state: Annotated[str, Meta(description="running, quiet or stopping")]
    host: Annotated[str, Meta(description="machine, boot and process namespace")]
    here: Annotated[bool, Meta(description="on the machine that answers")]
    pid: int
    queues: list[str]
    tasks: list[str]
    concurrency: Annotated[int, Meta(description="jobs that it runs at once, at most")]
    started_at: Moment
    beat_at: Annotated[Moment, Meta(description="when it was last seen")]


class BusyWorker(WorkerFacts):
    running: Annotated[int, Meta(description="jobs that it runs now")]


class ListedWorker(BusyWorker):
    memory: Annotated[Bytes | None, Meta(description="of its processes; null on another machine and of a dead one")]


class WorkerList(TypedDict):
    at: Moment
    workers: list[ListedWorker]


class WorkerAsked(TypedDict):
    asked: Annotated[str, Meta(description="quiet, resume or stop")]
    worker: str
    running: int


class TaskFacts(TypedDict):
    """Only its name is known where workers told of it."""

    name: str
    signature: NotRequired[str]
    queue: NotRequired[str]
    priority: NotRequired[int]
    executor: NotRequired[str]
    attempts: NotRequired[int]
    timeout: NotRequired[Seconds | None]
    at_most_once: NotRequired[bool]
    description: NotRequired[str | None]


class ListedTask(TaskFacts):
    workers: Annotated[int, Meta(description="living workers that know it")]


class TaskList(TypedDict):
    source: Annotated[str, Meta(description="app or workers")]
    tasks: list[ListedTask]
