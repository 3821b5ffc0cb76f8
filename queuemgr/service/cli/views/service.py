"""The service and its jobs: records, lists, pages of a result, processes, settings."""

from __future__ import annotations

import json
from shlex import quote
from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Bar, Cell, Column, Lines, Next, Page, Pairs, Say, Table, Warn
from queuemgr.service.words import clipped, counted, duration, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from queuemgr.service.cli.page import Item

LONGEST = 2000
STYLES = {
    "PENDING": "ready",
    "RUNNING": "running",
    "COMPLETED": "succeeded",
    "ERROR": "dead",
    "STOPPED": "cancelled",
    "DELETED": "cancelled",
}
PAST = {
    "start": "will run as soon as there is room",
    "stop": "is stopped",
    "restart": "will run again",
    "delete": "is deleted; its id stays taken until it is purged",
    "purge": "is forgotten, its id is free",
    "suspend": "is suspended",
    "resume": "goes on",
}
_LIST = [
    Column("ID"),
    Column("STATUS"),
    Column("PROGRESS", right=True),
    Column("CLASS", shrinks=True, drop=3),
    Column("RESULT", right=True, drop=2),
    Column("DESCRIPTION", shrinks=True, drop=1),
]
_PROCESSES = [
    Column("PID", right=True),
    Column("STATE"),
    Column("CPU", right=True),
    Column("MEMORY", right=True),
    Column("THREADS", right=True, drop=2),
    Column("FILES", right=True, drop=3),
    Column("COMMAND", shrinks=True, drop=1),
]


def added_page(document: Mapping[str, Any]) -> Page:
    job_id, started = document["job_id"], document["started"]
    page = Page([Say(f"job {job_id} was added{' and started' if started else ''}", bare=job_id)])
    if started:
        return page.add(Next("see how it is", f"queuemgr job status {quote(job_id)}"))
    return page.add(Next("let it run", f"queuemgr job start {quote(job_id)}"))


def changed_page(verb: str, document: Mapping[str, Any]) -> Page:
    job_id = document["job_id"]
    page = Page([Say(f"job {job_id} {_outcome(verb, document)}")])
    match verb:
        case "start" | "restart" | "resume":
            page.add(Next("see how it is", f"queuemgr job status {quote(job_id)}"))
        case "suspend":
            page.add(Next("let it go on", f"queuemgr job resume {quote(job_id)}"))
        case "stop":
            page.add(Next("run it again", f"queuemgr job restart {quote(job_id)}"))
        case "delete":
            page.add(Next("free its id", f"queuemgr job purge {quote(job_id)}"))
    return page


def _outcome(verb: str, document: Mapping[str, Any]) -> str:
    status = document.get("status")
    return f"has ended by itself: {status}" if verb == "stop" and status not in ("STOPPED", None) else PAST[verb]


def list_page(document: Mapping[str, Any], status_filter: str | None) -> Page:
    jobs = document["jobs"]
    if not jobs:
        return Page([Say("there are no such jobs"), Next("add one", "queuemgr job add CLASS ID")])
    page = Page([Table(_LIST, [_row(job) for job in jobs])])
    if document["after"] is not None:
        chosen = f" --status {status_filter}" if status_filter else ""
        page.add(Next("older ones", f"queuemgr job list{chosen} --after {document['after']}"))
    failed = next((job for job in jobs if job["status"] == "ERROR"), None)
    if failed is not None:
        page.add(Next("see why one failed", f"queuemgr job status {quote(failed['job_id'])}"))
    return page


def _row(job: Mapping[str, Any]) -> list[Item]:
    return [
        job["job_id"],
        _status(job),
        f"{job['progress']}%",
        job["job_type"],
        size(job["result_size"]) if job.get("result_size") else "",
        Cell(str(job["description"]).replace("\n", " "), "quiet"),
    ]


def _status(job: Mapping[str, Any]) -> Cell:
    word = job["status"]
    return Cell(f"{word}, suspended" if job.get("suspended") else word, STYLES.get(word, ""))


def record_page(document: Mapping[str, Any]) -> Page:
    page = Page([Pairs(list(_facts(document)))])
    job_id, result = document["job_id"], document["result"]
    if _is_summary(result) and result.get("lists"):
        page.add(Next("read it by pages", f"queuemgr job status {quote(job_id)} --page 1"))
    elif _is_summary(result):
        page.add(Next("read it whole", f"queuemgr job status {quote(job_id)} --whole --json"))
    match document["status"]:
        case "PENDING":
            page.add(Next("let it run", f"queuemgr job start {quote(job_id)}"))
        case "RUNNING":
            page.add(Next("stop it", f"queuemgr job stop {quote(job_id)}"))
        case "ERROR":
            page.add(Next("see what it said", f"queuemgr job logs {quote(job_id)}"))
            page.add(Next("run it again", f"queuemgr job restart {quote(job_id)}"))
        case "DELETED":
            page.add(Next("free its id", f"queuemgr job purge {quote(job_id)}"))
    return page


def _facts(document: Mapping[str, Any]) -> Iterator[tuple[str, Item]]:
    yield "job", Cell(document["job_id"], "strong")
    if "job_class" in document:  # of a job out of an older registry it is not known
        yield "class", document["job_class"]
    yield "status", _status(document)
    percent = document["progress"]
    yield "progress", Bar(percent / 100, f"{percent}%") if document["status"] == "RUNNING" else f"{percent}%"
    yield "description", clipped(str(document["description"]), LONGEST)
    for name, word in (("created_at", "added"), ("started_at", "started"), ("completed_at", "ended")):
        if name in document:
            yield word, str(document[name]).replace("T", " ")
    if document.get("result_size"):
        yield "size", f"{size(document['result_size'])} ({document['result_size']:,} bytes)"
    yield from _result(document["result"])


def _result(result: Any) -> Iterator[tuple[str, Item]]:
    if not _is_summary(result):
        if result is not None:
            yield "result", clipped(_json(result), LONGEST)
        return
    if "shape" in result:
        yield "shape", str(result["shape"])
    for key, length in result.get("lists", {}).items():
        yield "list", f"{key or 'the result itself'}: {counted(length, 'item')}"
    if "sample" in result:
        yield "sample", clipped(_json(result["sample"]), LONGEST)
    if "gone" in result:
        yield "result", Cell(str(result["gone"]), "bad")


def _is_summary(result: Any) -> bool:
    return isinstance(result, dict) and result.get("summary") is True and "size" in result


def items_page(document: Mapping[str, Any]) -> Page:
    """Items of a result, each on a line of its own."""
    items, offset, length = document["items"], document["offset"], document["length"]
    if offset < 0:
        offset = max(0, (length or 0) + offset)
    where = f" at {document['at']}" if document["at"] else ""
    whole = f" of {length:,}" if length is not None else ""
    weight = "so far" if document["size"] is None else size(document["size"])
    known = length is not None or document["offset"] >= 0
    span = f"items {offset:,} to {offset + len(items) - 1:,}" if known else f"the last {counted(len(items), 'item')}"
    what = f"{weight}{where}: {span if items else f'there is no item {offset:,}'}{whole}"
    page = Page([Warn(what, "quiet")])
    page.add(Lines([Cell(_json(item)) for item in items]))
    if length is not None and offset + len(items) < length:
        at = f" --at {quote(document['at'])}" if document["at"] else ""
        step = f"--offset {offset + len(items)} --limit {document['limit']}{at}"
        page.add(Next("the next ones", f"queuemgr job status {quote(document['job_id'])} {step}"))
    return page


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def inspect_page(document: Mapping[str, Any]) -> Page:
    rows: list[list[Item]] = []
    for one in document["processes"]:
        numbers = [duration(one["cpu"]), size(one["memory"]), str(one["threads"]), str(len(one["files"]))]
        rows.append([str(one["pid"]), one["state"], *numbers, one["command"].replace("\0", " ")])
    page = Page([Table(_PROCESSES, rows)])
    files = [Cell(str(file)) for one in document["processes"] for file in one["files"]]
    if files:
        page.add(Lines(files, title="open files"))
    if document["stack"]:
        page.add(Lines([Cell(line) for line in document["stack"].splitlines()], title="what it does now"))
    return page


def classes_page(document: Mapping[str, Any]) -> Page:
    names = document["classes"]
    if not names:
        told = "no job class has a name here: any allowed one can be added by its path, package.module.Class"
        return Page([Say(told, bare="")])
    return Page([Lines([Cell(name) for name in names])])


def service_page(document: Mapping[str, Any]) -> Page:
    if document["status"] != "running":
        return Page([Say("the service is stopped", bare="stopped"), Next("start it", "queuemgr service start")])
    rows: list[tuple[str, Item]] = [
        ("status", Cell("running", "good")),
        ("pid", str(document["pid"])),
        ("uptime", duration(document["uptime"])),
        ("total jobs", f"{document['total_jobs']:,}"),
        ("running jobs", f"{document['running_jobs']:,} of {document['max_concurrent_jobs']:,} at once"),
    ]
    counts = [(word, count) for word, count in document["jobs"].items() if count]
    rows += [(f"  {word}", Cell(f"{count:,}", STYLES.get(word, ""))) for word, count in counts]
    rows += [(name.replace("_", " "), str(document[name])) for name in ("registry_path", "store", "socket")]
    return Page([Pairs(rows), Next("see the jobs", "queuemgr job list")])


def imported_page(document: Mapping[str, Any]) -> Page:
    found, imported, bad = (document[name] for name in ("found", "imported", "passed_over"))
    page = Page([Say(f"{counted(imported, 'job')} taken over from {document['file']}")])
    if imported < found:
        page.add(Say(f"{counted(found - imported, 'id')} known already and left alone"))
    if bad:
        page.add(Warn(f"{counted(bad, 'line')} passed over, which {'is' if bad == 1 else 'are'} no job record"))
    return page.add(Next("see them", "queuemgr job list"))


def settings_page(document: Mapping[str, Any]) -> Page:
    columns = [Column("SETTING"), Column("VALUE", shrinks=True), Column("FROM")]
    rows: list[list[Item]] = [
        [name, _json(one["value"]), Cell(one["origin"], "quiet" if one["origin"] == "default" else "")]
        for name, one in document.items()
    ]
    return Page([Table(columns, rows)])
