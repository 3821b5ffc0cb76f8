"""The live view: it takes the terminal's whole screen and gives it back in the end. It asks no store."""

from __future__ import annotations

import time
from pathlib import PurePath
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from queuemgr import State

from .lines import clock
from .tasks import app

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from queuemgr.store import WorkerInfo

    from .watch import Event, Running, View

WIDEST = 110
EVENTS = 6
FIXED = 13 + EVENTS  # lines that are not running jobs
DRAW = 0.1
MOST = 10
BRIEF = 0.3
BAR = 16
FRESH = 3.0
COLUMNS = {
    "ready": State.READY,
    "scheduled": State.SCHEDULED,
    "running": State.RUNNING,
    "done": State.SUCCEEDED,
    "dead": State.DEAD,
}
QUEUES = tuple(dict.fromkeys(task.options.queue for task in app.tasks))
COLORS = {"worker": "green", "killed": "bold red", "failed": "yellow", "dead": "red"}


class Screen:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase = ""
        self._page = ""
        self._drawn = 0.0
        self._view: View | None = None
        self._checked: tuple[int, int] | None = None
        self._live = Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop")
        self._live.start()

    def say(self, text: str) -> None:
        self._phase = text
        self._draw()

    def page(self, url: str) -> None:
        # It comes from another thread: the next look draws it.
        self._page = url

    def show(self, view: View) -> None:
        self._view = view
        self._draw()

    def checked(self, done: int, total: int) -> None:
        self._checked = (done, total)
        if done == total or time.monotonic() - self._drawn > DRAW:
            self._draw()

    def close(self) -> None:
        self._live.stop()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        size = self._console.size
        self._live.update(self._frame(min(size.width, WIDEST) - 2, size.height), refresh=True)

    def _frame(self, width: int, height: int) -> RenderableType:
        parts = [_head(self._phase, self._view), Text(), self._progress(width), Text()]
        if self._view is not None:
            parts += [_queues(self._view), Text(), _workers(self._view, ended=self._checked is not None)]
            room = min(MOST, max(1, height - FIXED))
            parts += [_running(self._view.running, room, width), Text(), _events(self._view.events)]
            parts += [Text(), self._foot()]
        page = Table.grid(padding=0)
        page.add_column(width=width)
        page.add_row(Group(*parts))
        margin = Table.grid(padding=(0, 0, 0, 1))
        margin.add_row("", page)
        return margin

    def _foot(self) -> Text:
        place = (("in a browser: ", "dim"), (self._page, "bold cyan"), "   ") if self._page else ()
        stop = ("Ctrl-C stops; what is not done yet can go on later", "dim")
        return Text.assemble(*place, stop, no_wrap=True, overflow="ellipsis")

    def _progress(self, width: int) -> RenderableType:
        if self._checked is not None:
            return _bar(*self._checked, "files checked", width)
        view = self._view
        if view is None:
            return Text()
        left = f", {view.left:.0f} s left" if view.left is not None and view.done < view.total else ""
        return _bar(view.done, view.total, f"jobs  {view.rate:,.0f}/s{left}", width)


def _head(phase: str, view: View | None) -> RenderableType:
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    line.add_column(justify="right", no_wrap=True)
    title = Text.assemble(("queuemgr demo", "bold"), "  ", _news(view) or phase)
    line.add_row(title, clock(view.seconds if view else 0))
    return line


def _news(view: View | None) -> tuple[str, str] | None:
    """A worker was killed just now."""
    killed = [event for event in view.events if event.word == "killed"] if view else []
    if not view or not killed or view.seconds - killed[-1].at > FRESH:
        return None
    return f"kill -9 {killed[-1].text.split()[0]}: watch its jobs", COLORS["killed"]


def _bar(done: int, total: int, words: str, width: int) -> RenderableType:
    text = Text(f"{done:,} of {total:,} {words}", no_wrap=True)
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_row(ProgressBar(total=total, completed=done, width=max(10, width - 46)), text)
    return line


def _queues(view: View) -> RenderableType:
    counts = {queue.name: queue.counts for queue in view.queues}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=12)
    for _ in COLUMNS:
        table.add_column(justify="right", width=9)
    table.add_row(Text("queue", style="dim"), *(Text(word, style="dim") for word in COLUMNS))
    for name in QUEUES:
        numbers = [counts.get(name, {}).get(state, 0) for state in COLUMNS.values()]
        table.add_row(name, *(Text(f"{number:,}", style="" if number else "dim") for number in numbers))
    return table


def _workers(view: View, *, ended: bool) -> Text:
    pids = [one.pid for one in view.running]
    told = "   ".join(f"{worker.pid} runs {pids.count(worker.pid)}" for worker in sorted(view.workers, key=_pid))
    told = "have ended" if ended else told or "are starting"
    return Text.assemble(("workers  ", "dim"), told, no_wrap=True, overflow="ellipsis")


def _pid(worker: WorkerInfo) -> int:
    return worker.pid


def _running(jobs: list[Running], room: int, width: int) -> RenderableType:
    """Only what runs for more than a moment: names that flash by cannot be read."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, width=width - 48)
    table.add_column(justify="right", no_wrap=True, width=7)
    table.add_column(width=BAR)
    table.add_column(justify="right", no_wrap=True, width=5)
    table.add_column(justify="right", no_wrap=True, width=10)
    lasting = [job for job in jobs if job.percent or job.age > BRIEF][:room]
    for job in lasting:
        table.add_row(Text(_fitting(job.name, width - 48), overflow="ellipsis"), str(job.pid or ""), *_progress_of(job))
    for _ in range(room - len(lasting)):
        table.add_row("")
    return table


def _fitting(name: str, width: int) -> str:
    return name if len(name) <= width else PurePath(name).name


def _progress_of(job: Running) -> tuple[RenderableType, str, str]:
    if job.percent is None:
        return "", "", f"{job.age:.1f} s"
    left = "" if job.left is None else f"{job.left:.1f} s left"
    return ProgressBar(total=100, completed=job.percent, width=BAR), f"{job.percent:.0f} %", left


def _events(events: list[Event]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(style="dim", no_wrap=True, width=5)
    table.add_column(no_wrap=True, width=6)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for event in events[-EVENTS:]:
        table.add_row(clock(event.at), Text(event.word, style=COLORS.get(event.word, "")), Text(event.text))
    for _ in range(EVENTS - len(events)):
        table.add_row("")
    return table
