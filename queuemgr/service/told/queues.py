"""Queues, as answers tell them."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from .units import Counts, Moment


class QueueFacts(TypedDict):
    name: str
    paused: bool
    limit: Annotated[int | None, Meta(description="jobs of it that run at once, at most")]
    oldest_ready: Annotated[Moment | None, Meta(description="since when its oldest ready job has waited")]
    counts: Annotated[Counts, Meta(description="jobs in each state")]


class ListedQueue(QueueFacts):
    workers: Annotated[int, Meta(description="workers that take jobs of it")]


class QueueList(TypedDict):
    at: Moment
    queues: list[ListedQueue]


class QueuesPaused(TypedDict):
    queues: list[str]
    paused: bool


class QueuesLimited(TypedDict):
    queues: list[str]
    limit: int | None


class QueuesDrained(TypedDict):
    queues: list[str]
    changed: Annotated[int, Meta(description="jobs that were deleted")]
