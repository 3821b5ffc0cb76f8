"""Schedules, as answers tell them."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from .changes import Obstacle
from .units import Moment


class ScheduleFacts(TypedDict):
    name: str
    rule: str
    zone: Annotated[str | None, Meta(description="the time zone of a cron expression")]
    kind: Annotated[str, Meta(description="cron or every")]
    words: Annotated[str, Meta(description="the rule as people say it")]
    task: str
    queue: str
    missed: Annotated[str, Meta(description="what becomes of firings that nobody saw: skip, once or all")]
    paused: bool
    next_at: Moment | None
    last_at: Moment | None
    last_job: Annotated[str | None, Meta(description="the id of the job that it enqueued last")]


class ScheduleList(TypedDict):
    at: Moment
    schedules: list[ScheduleFacts]


class ScheduleShown(TypedDict):
    at: Moment
    schedule: ScheduleFacts


class ScheduleAdded(ScheduleShown):
    replaced: Annotated[bool, Meta(description="there was one of that name")]
    obstacles: list[Obstacle]


class ScheduleRun(TypedDict):
    schedule: str
    id: Annotated[str | None, Meta(description="of the job; null where the schedule has just been removed")]


class Firings(TypedDict):
    at: Moment
    words: Annotated[str, Meta(description="the rule as people say it")]
    firings: list[Moment]
