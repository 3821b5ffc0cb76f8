"""All about one job, and the ends of jobs that were waited for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Column, Lines, Next, Page, Pairs, Say, Table, Warn
from queuemgr.service.payloads import untagged
from queuemgr.service.words import ago, clipped, duration, moment, size

from .cells import error_text, progress_item, state_cell
from .contents import record_as_it_is

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from queuemgr.service.cli.page import Item

LONGEST = 2000
TRACEBACK_LINES = 12

_ATTEMPTS = [
    Column("#", right=True),
    Column("OUTCOME"),
    Column("STARTED", drop=2),
    Column("TOOK", right=True),
    Column("SIGNAL", drop=4),
    Column("MEMORY", right=True, drop=3),
    Column("ERROR", shrinks=True),
    Column("WORKER", drop=1),
]


def job_page(document: Mapping[str, Any]) -> Page:
    job, now = document["job"], document["at"]
    page = Page([Pairs(list(_facts(document)))])
    if document["attempts"]:
        rows = [_attempt(attempt, now) for attempt in document["attempts"]]
        page.add(Table(_ATTEMPTS, rows, title="attempts"))
    trace = str((job["error"] or {}).get("traceback") or "").rstrip().splitlines()
    if trace:
        title = "traceback" if len(trace) <= TRACEBACK_LINES else f"last {TRACEBACK_LINES} lines of the traceback"
        page.add(Lines([Cell(line, "quiet") for line in trace[-TRACEBACK_LINES:]], title=title))
    if "raw" in document["arguments"]:
        page.add(record_as_it_is(document["arguments"]))
    if document["output"]:
        lines = [Cell(line["text"]) for line in document["output"]]
        page.add(Lines(lines, title="last output"))
    if document["next"]:
        page.add(Next(document["next"]["purpose"], document["next"]["command"]))
    return page


def _facts(document: Mapping[str, Any]) -> Iterator[tuple[str, Item]]:
    job, now = document["job"], document["at"]
    yield "job", Cell(job["id"], "strong")
    yield "task", f"{job['task']}({_call_text(document['arguments'])})"
    yield "queue", f"{job['queue']}, priority {job['priority']}"
    yield "state", state_cell(job)
    yield "why", document["why"]
    progress = progress_item(job)
    if progress:
        yield "progress", progress
    if job["note"]:
        yield "note", job["note"]
    if document["result"] is not None:
        yield "result", result_text(document["result"])
    if job["error"]:
        yield "error", Cell(clipped(_said(job["error"]), LONGEST), "bad")
    yield from _times(job, now)
    yield from _rest(job)


def _times(job: Mapping[str, Any], now: float) -> Iterator[tuple[str, Item]]:
    for name, word in (
        ("created_at", "enqueued"),
        ("run_at", "due"),
        ("started_at", "started"),
        ("finished_at", "ended"),
        ("expires_at", "kept until"),
    ):
        if job[name] is not None:
            yield word, f"{moment(job[name])} ({ago(job[name], now)})"


def _rest(job: Mapping[str, Any]) -> Iterator[tuple[str, Item]]:
    tries = f"{job['attempt']} begun, {job['failures']} failed, {job['crashes']} crashed"
    yield "attempts", tries
    for name, word in (("worker", "worker"), ("unique_key", "unique key")):
        if job[name]:
            yield word, str(job[name])
    if job["tags"]:
        yield "tags", ", ".join(job["tags"])
    if job["options"]:
        yield "options", ", ".join(f"{name}={_json(value)}" for name, value in sorted(job["options"].items()))


def _attempt(attempt: Mapping[str, Any], now: float) -> list[Item]:
    memory = attempt["peak_memory"]
    return [
        str(attempt["number"]),
        Cell(attempt["outcome"], "good" if attempt["outcome"] == "succeeded" else "warn"),
        ago(attempt["started_at"], now),
        duration(attempt["duration"]),
        attempt["exit_signal"] or "",
        size(memory) if memory else "",
        error_text(attempt["error"]),
        Cell(attempt["worker"], "quiet"),
    ]


def _whole_error(error: Mapping[str, Any]) -> str:
    """What was said, and what followed from it."""
    said, reason = _said(error), error.get("reason")
    return f"{said} ({reason})" if reason and reason != said else said


def _said(error: Mapping[str, Any]) -> str:
    said = ": ".join(str(error[part]) for part in ("type", "message") if error.get(part))
    return said.removeprefix("builtins.") or str(error.get("reason") or "no error was recorded")


def _call_text(arguments: Mapping[str, Any]) -> str:
    if "unreadable" in arguments:
        return f"<{arguments['unreadable']}>"
    parts = [_json(untagged(value)) for value in arguments["positional"]]
    parts += [f"{name}={_json(untagged(value))}" for name, value in arguments["named"].items()]
    return clipped(", ".join(parts), LONGEST)


def result_text(result: Mapping[str, Any]) -> str:
    if "unreadable" in result:
        return f"<{result['unreadable']}>"
    return clipped(_json(untagged(result["value"])), LONGEST)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def ended_page(document: Mapping[str, Any]) -> Page:
    """Of each job that was waited for how it ended; a program gets the results alone."""
    page = Page()
    for job in document["jobs"]:
        page.add(_ended(job))
    failed = next((job for job in document["jobs"] if job["state"] in ("dead", "cancelled")), None)
    late = next((job for job in document["jobs"] if job["finished_at"] is None), None)
    if failed is not None:
        page.add(Next("see why", f"queuemgr jobs show {failed['id']}"))
    if late is not None:
        page.add(Next("go on waiting", f"queuemgr jobs wait {late['id']}"))
    return page


def _ended(job: Mapping[str, Any]) -> Say | Warn:
    who = f"job {job['id']} ({job['task']})"
    match job["state"]:
        case "succeeded":
            took = job["finished_at"] - job["started_at"] if job["started_at"] else 0.0
            text = result_text(job["result"])
            return Say(Cell(f"{who} succeeded in {duration(took)}: {text}", "good"), bare=text)
        case "dead" | "cancelled" as state:
            return Warn(f"{who} is {state}: {_whole_error(job['error'] or {})}", "bad")
        case state:
            return Warn(f"{who} is still {state}: the time is over, the job goes on")
