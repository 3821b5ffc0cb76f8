"""What an operation would change, told before it is carried out, for every face. It asks reading operations only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from queuemgr.job import FINISHED, WAITING
from queuemgr.service.facts import word_of
from queuemgr.service.failures import Misused, NotFound
from queuemgr.service.observe.rules import parse

from .table import find

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from queuemgr.service.facts import Facts
    from queuemgr.service.told import (
        EnqueueWould,
        FlatJobNow,
        FlatJobWould,
        JobNow,
        JobsWould,
        PruneWould,
        QueueNow,
        QueuesDrainWould,
        QueuesWould,
        RerunWould,
        ScheduleWould,
        WorkerNow,
        WorkersWould,
        Would,
    )
    from queuemgr.service.told.units import Counts, StateWord

    Ask = Callable[[str, Mapping[str, Any]], Awaitable[Facts]]
    Preview = Callable[[Ask, str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]

_OF_JOB = ("job_class", "status", "progress")


async def preview(ask: Ask, name: str, arguments: Mapping[str, Any]) -> Facts:
    """{"would"} in words, and what it would reach: for jobs {"matched", "states"}, else the thing as it is now.

    Arguments of tasks are not repeated: some may be secret.

    `ask` carries a reading operation out for whoever wants to know. Raises NotFound, Misused, ValidationError and what
    a reading operation raises: where the thing is not there, that is known before.
    """
    operation = find(name)
    operation.converted(arguments)
    return dict(await _preview_of(name)(ask, name, arguments))


def preview_type(name: str) -> Any:
    """The type of what `preview` answers: a TypedDict of `queuemgr.service.told`."""
    from queuemgr.service import told

    return getattr(told, str(_preview_of(name).__annotations__["return"]))


def _preview_of(name: str) -> Preview:
    group, _, _ = name.partition(".")
    return _BY_NAME.get(name) or _BY_GROUP.get(group) or _told


async def _jobs(ask: Ask, _name: str, arguments: Mapping[str, Any]) -> JobsWould:
    verb = arguments["verb"]
    query = arguments["query"] if "query" in arguments else {"ids": list(arguments["job_ids"])}
    if "job_ids" in arguments and not query["ids"]:
        raise Misused(f"no job is named to {verb}", "give its id in job_ids")
    more = {"search": arguments["search"]} if arguments.get("search") else {}
    found = await ask("jobs.count", {"verb": verb, "query": query, **more})
    matched = found["matched"]
    told = f"{verb} {matched:,} {'job' if matched == 1 else 'jobs'}"
    named = len(arguments.get("job_ids", ()))
    if named > matched:
        told += f"; {named - matched:,} of the {named:,} that are named are not there, or not in a state for it"
    return {"would": told, "matched": matched, "states": found["states"]}


async def _prioritised(ask: Ask, _name: str, arguments: Mapping[str, Any]) -> JobsWould:
    told = await _jobs(ask, _name, {**arguments, "verb": "prioritise"})
    jobs = "job" if told["matched"] == 1 else "jobs"
    return {**told, "would": f"give {told['matched']:,} waiting {jobs} priority {arguments['priority']}"}


async def _queues(ask: Ask, name: str, arguments: Mapping[str, Any]) -> QueuesWould:
    wanted = list(dict.fromkeys(arguments["names"] if "names" in arguments else [arguments["name"]]))
    if not wanted:
        raise Misused(f"{name} was given no queue", "give its name in names")
    found = {queue["name"]: queue for queue in (await ask("queues.list", {}))["queues"]}
    missing = [one for one in wanted if one not in found]
    if missing and name != "queues.limit" and not arguments.get("new"):
        raise NotFound(f"there is no queue {missing[0]!r}", "queuemgr queues list")
    queues: list[QueueNow] = [_short(found[one]) if one in found else {"name": one, "new": True} for one in wanted]
    return {"would": f"{_words(name)}: {', '.join(wanted)}", "queues": queues}


async def _drained(ask: Ask, name: str, arguments: Mapping[str, Any]) -> QueuesDrainWould:
    told = await _queues(ask, name, arguments)
    states: Counts = {}
    for state in sorted(WAITING | FINISHED if arguments.get("finished") else WAITING):
        word = word_of(state)
        if number := sum(queue.get("counts", {}).get(word, 0) for queue in told["queues"]):
            states[word] = number
    return {**told, "matched": sum(states.values()), "states": states}


async def _worker(ask: Ask, name: str, arguments: Mapping[str, Any]) -> WorkersWould:
    wanted = arguments["worker_id"]
    workers = [one for one in (await ask("workers.list", {}))["workers"] if wanted in (one["id"], one["name"])]
    if not workers:
        raise NotFound(f"there is no worker {wanted!r}", "queuemgr workers list")
    kept = ("id", "name", "state", "alive", "running", "queues")
    now = [cast("WorkerNow", {key: one[key] for key in kept}) for one in workers]
    return {"would": f"{_words(name)}: {wanted}", "workers": now}


async def _schedule(ask: Ask, name: str, arguments: Mapping[str, Any]) -> ScheduleWould:
    found = [one for one in (await ask("schedules.list", {}))["schedules"] if one["name"] == arguments["name"]]
    if rule := arguments.get("rule"):
        # A rule that cannot be read is told here, not when it is confirmed.
        asked = {"name": arguments["name"], "rule": rule, "zone": arguments.get("zone") or "UTC"}
        await ask("schedules.preview", asked)
    if name == "schedules.add":
        word = "replace" if found else "add"
        told = f"{word} the schedule {arguments['name']}: {arguments['request']['task']}, {arguments['rule']}"
        return {"would": told, "now": found[0] if found else None}
    if not found:
        raise NotFound(f"there is no schedule {arguments['name']!r}", "queuemgr schedules list")
    verb = name.rpartition(".")[2]
    if verb == "pause" and not arguments.get("paused", True):
        verb = "resume"
    return {"would": f"{verb} the schedule {arguments['name']}", "now": found[0]}


async def _enqueue(ask: Ask, _name: str, arguments: Mapping[str, Any]) -> EnqueueWould:
    request = arguments["request"]
    known = {one["name"] for one in (await ask("tasks.list", {}))["tasks"]}
    return {"would": f"enqueue a job of {request['task']}", "known": request["task"] in known}


async def _rerun(ask: Ask, _name: str, arguments: Mapping[str, Any]) -> RerunWould:
    job = (await ask("jobs.show", {"job_id": arguments["job_id"]}))["job"]
    others = ", with other arguments" if arguments.get("positional") or arguments.get("named") else ""
    now = cast("JobNow", {key: job[key] for key in ("id", "task", "queue", "state")})
    return {"would": f"enqueue the task of job {job['id']} once more{others}", "job": now}


async def _one_job(ask: Ask, name: str, arguments: Mapping[str, Any]) -> FlatJobWould:
    facts = await ask("job.status", {"job_id": arguments["job_id"]})
    now = cast("FlatJobNow", {key: facts[key] for key in _OF_JOB if key in facts})
    return {"would": f"{name.rpartition('.')[2]} job {arguments['job_id']}", "job": now}


async def _alert(_ask: Ask, name: str, arguments: Mapping[str, Any]) -> Would:
    severity, queue, lasting = arguments.get("severity", "warning"), arguments.get("queue"), arguments.get("lasting")
    made = parse(arguments["rule"], severity, queue, lasting, "added")
    return {"would": f"{_words(name)}: {made.name}"}


async def _prune(ask: Ask, name: str, _arguments: Mapping[str, Any]) -> PruneWould:
    facts = await ask("store.info", {})
    words: tuple[StateWord, ...] = ("succeeded", "dead", "cancelled")
    ended: Counts = {word: facts["states"][word] for word in words}
    told = f"{_words(name)}; those that have ended are told here, and not all of them are over"
    return {"would": told, "states": ended}


async def _told(_ask: Ask, name: str, _arguments: Mapping[str, Any]) -> Would:
    return {"would": _words(name)}


def _words(name: str) -> str:
    return find(name).description


def _short(queue: Facts) -> QueueNow:
    counts = {state: number for state, number in queue["counts"].items() if number}
    return {"name": queue["name"], "paused": queue["paused"], "counts": counts, "workers": queue["workers"]}


_BY_NAME: dict[str, Preview] = {
    "jobs.change": _jobs,
    "jobs.change_matching": _jobs,
    "jobs.prioritise": _prioritised,
    "jobs.enqueue": _enqueue,
    "job.add": _told,
    "store.prune": _prune,
    "alerts.add": _alert,
    "jobs.rerun": _rerun,
    "queues.drain": _drained,
}
_BY_GROUP: dict[str, Preview] = {"queues": _queues, "workers": _worker, "schedules": _schedule, "job": _one_job}
