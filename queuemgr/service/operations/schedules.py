"""Looks at schedules, puts them and changes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from queuemgr.errors import BadSchedule, did_you_mean
from queuemgr.recurrence import Cron, describe, next_after, parse_rule, preview
from queuemgr.schedule import Schedule
from queuemgr.service.facts import schedule_facts
from queuemgr.service.failures import Misused, NotFound

from .operation import Operation, Scope
from .sending import call_of, obstacles

if TYPE_CHECKING:
    from queuemgr.app import App
    from queuemgr.client import AsyncClient
    from queuemgr.recurrence import Rule
    from queuemgr.service.told import Firings, Removed, ScheduleAdded, ScheduleList, ScheduleRun, ScheduleShown
    from queuemgr.store import ScheduleInfo

    from .request import Request

MOST = 1000
"""Moments that one preview tells."""


async def list_schedules(client: AsyncClient) -> ScheduleList:
    infos = await client.schedules()
    return {"at": client.clock.now(), "schedules": [schedule_facts(info) for info in infos]}


async def add_schedule(
    client: AsyncClient, app: App | None, name: str, rule: str, request: Request, *, zone: str, missed: str
) -> ScheduleAdded:
    """Put it in the place of one of that name. Raises BadSchedule, ConfigError and what a call's making raises."""
    replaced = any(info.schedule.name == name for info in await client.schedules())
    call = await call_of(client, app, request)
    await client.schedule(name, rule, call, zone=zone, missed=missed)
    return {
        "at": client.clock.now(),
        "schedule": schedule_facts(await require_schedule(client, name)),
        "replaced": replaced,
        "obstacles": await obstacles(client, call.job.task, call.job.queue),
    }


async def change_schedule(
    client: AsyncClient, name: str, rule: str | None = None, zone: str | None = None, missed: str | None = None
) -> ScheduleShown:
    """When it fires, and what becomes of missed firings; its job stays as it is.

    What is not given stays, too. Raises NotFound, BadSchedule, ConfigError.
    """
    info = await require_schedule(client, name)
    before, now = info.schedule, client.clock.now()
    known = before.rule if isinstance(before.rule, Cron) else None
    text = rule or (known.expression if known and zone else before.rule)
    zone = zone or (known.zone if known else "UTC")
    made = Schedule.of(name, text, before.job, zone=zone, missed=missed or before.missed)
    changed = replace(made, paused=before.paused)
    same = changed.rule == before.rule
    await client.store.put_schedule(changed, info.next_at if same else next_after(changed.rule, now))
    return {"at": now, "schedule": schedule_facts(await require_schedule(client, name))}


async def pause_schedule(client: AsyncClient, name: str, *, paused: bool) -> ScheduleShown:
    """Raises NotFound."""
    await require_schedule(client, name)
    await client.change_schedule(name, paused=paused)
    info = await require_schedule(client, name)
    return {"at": client.clock.now(), "schedule": schedule_facts(info)}


async def run_schedule(client: AsyncClient, name: str) -> ScheduleRun:
    """Enqueue its job beside its usual times. Raises NotFound."""
    await require_schedule(client, name)
    return {"schedule": name, "id": await client.run_schedule(name)}


async def remove_schedule(client: AsyncClient, name: str) -> Removed:
    """Raises NotFound."""
    await require_schedule(client, name)
    await client.remove_schedule(name)
    return {"removed": name}


async def preview_schedule(
    client: AsyncClient, name: str, count: int = 5, rule: str | None = None, zone: str = "UTC"
) -> Firings:
    """`preview_rule` of a schedule that exists; with `rule` of that one, be there such a schedule or not.

    Raises NotFound, BadSchedule, and Misused for a count outside of 1 to MOST.
    """
    if not 1 <= count <= MOST:
        raise Misused(f"a preview has 1 to {MOST:,} moments, not {count}")
    chosen = rule or (await require_schedule(client, name)).schedule.rule
    return preview_rule(chosen, client.clock.now(), count, zone)


def preview_rule(rule: Rule | str, now: float, count: int, zone: str = "UTC") -> Firings:
    """The next moments at which it fires. Raises BadSchedule."""
    ready = parse_rule(rule, zone) if isinstance(rule, str) else rule
    return {"at": now, "words": describe(ready), "firings": preview(ready, now, count)}


def is_rule(text: str, zone: str) -> bool:
    """Whether it can be read as a rule; a text that cannot may be the name of a schedule."""
    try:
        parse_rule(text, zone)
    except BadSchedule:
        return False
    return True


async def require_schedule(client: AsyncClient, name: str) -> ScheduleInfo:
    """Raises NotFound."""
    infos: dict[str, Any] = {info.schedule.name: info for info in await client.schedules()}
    if name not in infos:
        message = f"there is no schedule {name!r}: {did_you_mean(name, infos)}"
        raise NotFound(message, "queuemgr schedules list")
    info: ScheduleInfo = infos[name]
    return info


OPERATIONS = (
    Operation(
        "schedules.list",
        list_schedules,
        Scope.READ,
        "GET /schedules",
        "schedules list",
        "schedules with their next firings",
    ),
    Operation(
        "schedules.preview",
        preview_schedule,
        Scope.READ,
        "GET /schedules/{name}/firings",
        "schedules preview",
        "the next moments at which a schedule fires",
    ),
    Operation(
        "schedules.add",
        add_schedule,
        Scope.OPERATE,
        "PUT /schedules/{name}",
        "schedules add",
        "put or replace a schedule",
    ),
    Operation(
        "schedules.change",
        change_schedule,
        Scope.OPERATE,
        "POST /schedules/{name}/change",
        "schedules change",
        "let a schedule fire at other times; its job stays as it is",
    ),
    Operation(
        "schedules.pause",
        pause_schedule,
        Scope.OPERATE,
        "POST /schedules/{name}/pause",
        "schedules pause",
        "pause a schedule or let it go on",
    ),
    Operation(
        "schedules.run",
        run_schedule,
        Scope.OPERATE,
        "POST /schedules/{name}/run",
        "schedules run",
        "enqueue a schedule's job now",
    ),
    Operation(
        "schedules.remove",
        remove_schedule,
        Scope.OPERATE,
        "DELETE /schedules/{name}",
        "schedules remove",
        "remove a schedule",
    ),
)
