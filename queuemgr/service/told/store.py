"""The store as a whole and one look at everything, as answers tell them."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from .jobs import JobFacts
from .queues import ListedQueue
from .units import Bytes, Counts, Moment
from .workers import BusyWorker

Address = Annotated[str, Meta(description="the address of the store, without its password")]


class Overview(TypedDict):
    at: Moment
    url: Address
    queues: list[ListedQueue]
    workers: list[BusyWorker]
    running: list[JobFacts]
    failed: Annotated[list[JobFacts], Meta(description="dead jobs, the newest first")]
    finished: Annotated[int, Meta(description="jobs of all queues that have ended and are still kept")]


class StoreFacts(TypedDict):
    at: Moment
    url: Address
    file: str | None
    size: Bytes | None
    jobs: int
    states: Counts
    queues: int
    workers: Annotated[int, Meta(description="those that are alive")]
    schedules: int


class Pruned(TypedDict):
    pruned: Annotated[int, Meta(description="finished jobs that were forgotten")]


class Removed(TypedDict):
    removed: Annotated[str, Meta(description="the name of what is no more")]
