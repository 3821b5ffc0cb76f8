"""Suggestions for a search, and groups of failures, as answers tell them."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from .units import Moment, StateWord


class Suggestion(TypedDict):
    text: Annotated[str, Meta(description="the whole search with its last word completed")]
    word: Annotated[str, Meta(description="that word")]
    kind: str


class Suggestions(TypedDict):
    text: str
    suggestions: list[Suggestion]


class RetryQuery(TypedDict, total=False):
    """As operations take it as their query."""

    states: list[StateWord]
    ids: list[str]
    error: str
    task: str
    queue: str
    tag: str
    worker: str
    created_after: Moment
    created_before: Moment


class Retry(TypedDict):
    query: RetryQuery
    exact: Annotated[bool, Meta(description="it names no jobs of other groups")]
    all: Annotated[bool, Meta(description="it misses none of the group")]


class FailureGroup(TypedDict):
    fingerprint: str
    type: str
    place: Annotated[str, Meta(description="the last step in code of one's own, file:function")]
    message: Annotated[str, Meta(description="without what changes from job to job")]
    example: Annotated[str, Meta(description="the message of the newest")]
    count: int
    first: Moment | None
    last: Moment | None
    tasks: Annotated[dict[str, int], Meta(description="the ten most frequent")]
    queues: Annotated[dict[str, int], Meta(description="the ten most frequent")]
    ids: Annotated[list[str], Meta(description="the newest")]
    retry: Retry
    command: str


class FailureGroups(TypedDict):
    at: Moment
    groups: Annotated[list[FailureGroup], Meta(description="the largest first")]
    scanned: Annotated[int, Meta(description="dead jobs that were looked at")]
    complete: Annotated[bool, Meta(description="these are all that there are")]
