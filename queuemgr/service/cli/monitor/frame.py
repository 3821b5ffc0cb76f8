"""One picture of the monitor, for a terminal of any size from about 60x16 up. It asks nobody and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from queuemgr.service.cli.page import Bar, Cell, Column, Table
from queuemgr.service.cli.pretty import draw_table
from queuemgr.service.cli.views.cells import error_text, progress_item, state_cell
from queuemgr.service.words import ago, coarse, counted, harmless, moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console, RenderableType

    from queuemgr.service.cli.page import Item

    from .state import Choice

KEYS = "q quit  up/down queue  p pause  f only its jobs  left/right job  s stop  o output"
_DONE = ("succeeded", "dead", "cancelled")
_QUEUES = [
    Column("QUEUE", shrinks=True),
    Column("DONE"),
    Column("READY", right=True),
    Column("RUNNING", right=True),
    Column("LATER", right=True, drop=1),
    Column("DEAD", right=True),
    Column("WORKERS", right=True, drop=2),
]
_RUNNING = [
    Column("RUNNING", shrinks=True),
    Column("STATE", drop=3),
    Column("FOR", right=True),
    Column("PROGRESS"),
    Column("NOTE", shrinks=True, drop=1),
    Column("JOB", drop=4),
]
_FAILED = [
    Column("DEAD", shrinks=True),
    Column("WHEN", right=True),
    Column("ERROR", shrinks=True),
    Column("JOB", drop=1),
]


@dataclass(frozen=True, slots=True)
class Room:
    """How many rows each part gets."""

    queues: int
    running: int
    failed: int


def room_for(height: int, queues: int, running: int, failed: int, most: int = 4) -> Room:
    """Share out what the head, the titles and the keys leave; who needs less leaves more to the running jobs.

    The last part gets a share of 1 / `most`, and what the others leave.
    """
    free = max(3, height - 9)
    for_failed = min(max(1, failed), max(1, free // most))
    for_queues = min(max(1, queues), max(1, (free - for_failed) // 2))
    for_running = min(max(1, running), free - for_failed - for_queues)
    return Room(for_queues, for_running, min(max(1, failed), free - for_queues - for_running))


def frame(
    document: Mapping[str, Any],
    choice: Choice,
    rate: float | None,
    console: Console,
    *,
    fill: bool = False,
    output: Sequence[str] = (),
) -> RenderableType:
    """With `fill` as many lines as the terminal has, the keys on the last one. `output` is that of the followed job."""
    queues, running, failed = document["queues"], document["running"], document["failed"]
    following = choice.followed is not None
    last = output if following else failed
    room = room_for(console.height, len(queues), len(running), len(last), 2 if following else 4)
    now = document["at"]
    first = _first_shown([queue["name"] for queue in queues], choice.queue, room.queues)
    shown = queues[first : first + room.queues]
    first = _first_shown([job["id"] for job in running], choice.job, room.running)
    jobs = [_job(job, choice, now) for job in running[first : first + room.running]]
    empty = console.height - 9 - sum(max(1, rows) for rows in (len(shown), *_rows(room, running, last)))
    return Group(
        _head(document, console.width),
        _sums(document, rate),
        Text(),
        _part(_QUEUES, [_queue(queue, choice) for queue in shown], "no queues yet: queuemgr enqueue TASK", console),
        Text(),
        _part(_RUNNING, jobs, "nothing runs", console),
        Text(),
        _output(choice, output[-room.failed :], console.width)
        if following
        else _part(_FAILED, [_dead(job, now) for job in failed[: room.failed]], "no dead jobs", console),
        *([Text("\n" * (empty - 1))] if fill and empty > 0 else []),
        _foot(choice),
    )


def _output(choice: Choice, lines: Sequence[str], width: int) -> RenderableType:
    shown = [Text(harmless(line).replace("\n", " ")) for line in lines] or [Text("nothing yet", "quiet")]
    for line in (title := Text(f"OUTPUT of {choice.job}", "title"), *shown):
        line.expand_tabs(8)
        line.truncate(width, overflow="ellipsis")
    return Group(title, *shown)


def _rows(room: Room, running: Sequence[Any], failed: Sequence[Any]) -> tuple[int, int]:
    return min(room.running, len(running)), min(room.failed, len(failed))


def _head(document: Mapping[str, Any], width: int) -> Text:
    clock = moment(document["at"])[11:19]
    title = Text.assemble(("queuemgr ", "title"), harmless(document["url"]))
    title.truncate(max(10, width - len(clock) - 2), overflow="ellipsis", pad=True)
    return title.append("  ").append(clock, "quiet")


def _sums(document: Mapping[str, Any], rate: float | None) -> Text:
    alive = [worker for worker in document["workers"] if worker["alive"]]
    slots = sum(worker["concurrency"] for worker in alive)
    busy = sum(worker["running"] for worker in alive)
    workers = f"{counted(len(alive), 'worker')}, {busy} of {slots} slots busy" if alive else "no worker is running"
    speed = "" if rate is None else f"{rate:.1f} jobs/s"
    return Text.assemble((workers, "good" if alive else "warn"), "   ", f"{document['finished']:,} done   ", speed)


def _part(columns: list[Column], rows: list[list[Item]], empty: str, console: Console) -> RenderableType:
    if rows:
        return draw_table(Table(columns, rows), console)
    return Group(Text(columns[0].title, "title"), Text(empty, "quiet"))


def _queue(queue: Mapping[str, Any], choice: Choice) -> list[Item]:
    counts = queue["counts"]
    done = sum(counts[word] for word in _DONE)
    every = sum(counts.values())
    mark = "> " if queue["name"] == choice.queue else "  "
    paused = " (paused)" if queue["paused"] else ""
    style = "warn" if paused else "strong" if mark == "> " else ""
    later = counts["scheduled"] + counts["held"] + counts["parked"]
    return [
        Cell(f"{mark}{queue['name']}{paused}", style),
        Bar(done / every if every else 0.0, f"{done:,}", "succeeded"),
        _count(counts["ready"], "ready"),
        _count(counts["running"], "running"),
        _count(later, "scheduled"),
        _count(counts["dead"], "dead"),
        str(queue["workers"]),
    ]


def _count(number: int, state: str) -> Cell:
    return Cell(f"{number:,}", state if number else "quiet")


def _job(job: Mapping[str, Any], choice: Choice, now: float) -> list[Item]:
    since = job["started_at"]
    selected = job["id"] == choice.job
    return [
        Cell(f"{'> ' if selected else '  '}{job['task']}", "strong" if selected else ""),
        state_cell(job),
        coarse(max(0.0, now - since)) if since is not None else "",
        progress_item(job),
        Cell(job["note"] or "", "quiet"),
        Cell(job["id"], "quiet"),
    ]


def _dead(job: Mapping[str, Any], now: float) -> list[Item]:
    at = job["finished_at"]
    return [
        job["task"],
        ago(at, now) if at is not None else "",
        Cell(error_text(job["error"]), "bad"),
        Cell(job["id"], "quiet"),
    ]


def _foot(choice: Choice) -> Text:
    if choice.sure:
        told = f"press s again to stop job {choice.job}, any other key not to"
        return Text(told, "warn", no_wrap=True, overflow="ellipsis")
    only = f"only jobs of {choice.queue}   " if choice.only and choice.queue else ""
    return Text.assemble((only, "warn"), (KEYS, "quiet"), no_wrap=True, overflow="ellipsis")


def _first_shown(names: Sequence[str], selected: str | None, room: int) -> int:
    """The rows move with the selection."""
    place = names.index(selected) if selected in names else 0
    return max(0, min(place - room + 1, len(names) - room)) if place >= room else 0
