"""The closing summary, for people and as JSON. It computes nothing that it does not say."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from queuemgr.service.words import counted, size

from .tasks import STORE
from .workers import APP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .check import Totals
    from .killing import Killed
    from .troubles import Troubles

MOST = 10
STYLES = {
    r"\A.*": "bold",
    r"(?m)\bequal$": "bold green",
    r"NOT EQUAL.*|not all is well": "bold red",
    r"(?m)^  [a-z]+( out)?  +": "cyan",
    r"(?m)^    \S.*": "bold",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Sizes are bytes, `seconds` is the time that the jobs took."""

    folder: str
    store: str
    log: str
    seconds: float
    jobs: int
    equal: bool
    totals: Totals
    directly: Totals
    different: list[str]
    changed: list[str]
    special: dict[str, list[str]]
    left_out: dict[str, int]
    killed: list[Killed]
    troubles: Troubles
    beats: int

    def as_json(self) -> str:
        fields = {**msgspec.to_builtins(self), "commands": {"export": export(self.store), **self.commands}}
        return msgspec.json.format(msgspec.json.encode(fields), indent=2).decode() + "\n"

    @property
    def commands(self) -> dict[str, str]:
        return commands(self.troubles.dead[0].job if self.troubles.dead else None)


def export(store: str) -> str:
    return f"export {STORE}={shlex.quote(store)}"


def commands(dead: str | None = None) -> dict[str, str]:
    """What can be done next; `dead` is a job's id."""
    name = program()
    about_dead = {"show": f"{name} jobs show {dead}", "retry": f"{name} jobs retry {dead}"}
    more = {"worker": f"{name} worker {APP}", "monitor": f"{name} monitor", "web": f"{name} web"}
    return (about_dead if dead else {}) | more


def program() -> str:
    """How the command is called from here: it may not be on the PATH."""
    beside = Path(sys.executable).with_name("queuemgr")
    if shutil.which("queuemgr") == str(beside):
        return "queuemgr"
    return shlex.quote(str(beside)) if beside.exists() else f"{shlex.quote(sys.executable)} -m queuemgr"


def show(summary: Summary) -> None:
    """Print it for people."""
    text = "\n".join(_lines(summary))
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.console import Console
    from rich.text import Text

    styled = Text(text)
    for pattern, style in STYLES.items():
        styled.highlight_regex(pattern, style)
    Console().print(styled, soft_wrap=True)


def _lines(summary: Summary) -> Iterator[str]:
    yield f"{counted(summary.jobs, 'job')} for the files of {summary.folder}, done in {summary.seconds:.1f} s"
    yield ""
    for nth, large in enumerate(summary.totals.largest):
        yield f"  {'' if nth else 'largest':10}{size(large.bytes):>8}  {large.name}"
    yield ""
    yield from _events(summary)
    yield ""
    yield from _totals(summary)
    yield ""
    yield from _next_steps(summary)


def _next_steps(summary: Summary) -> Iterator[str]:
    todo = summary.commands
    yield "  The database stays. To look around, from any shell:"
    yield f"    {export(summary.store)}"
    if summary.troubles.dead:
        yield f"  {summary.troubles.dead[0].file} is dead. To see why, and to send it back:"
        yield f"    {todo['show']}"
        yield f"    {todo['retry']}"
    yield "  A worker for it, and everything at a glance:"
    yield f"    {todo['worker']}"
    yield f"    {todo['monitor']}"
    yield f"    {todo['web']}"


def _events(summary: Summary) -> Iterator[str]:
    for killed in summary.killed:
        yield f"  killed    worker {killed.pid}, in the middle of {counted(killed.jobs, 'job')}"
    if summary.killed:
        lost = "nothing was lost" if summary.equal else "but not all is well"
        yield f"            {counted(summary.troubles.taken_back, 'job')} taken back and run again; {lost}"
    for one in summary.troubles.retried:
        yield f"  retried   {one.file}: {one.error}, attempt {one.succeeded_at} succeeded"
    for one in summary.troubles.dead[:MOST]:
        yield f"  dead      {one.file}: {one.error}"
    if len(summary.troubles.dead) > MOST:
        yield f"            and {len(summary.troubles.dead) - MOST:,} more"
    for way, names in summary.special.items():
        if names:
            yield f"  {way:10}{', '.join(names)}"
    yield f"  schedule  every second, {counted(summary.beats, 'time')}; removed at the end"


def _totals(summary: Summary) -> Iterator[str]:
    totals = summary.totals
    yield f"  files     {totals.files:,}"
    yield f"  bytes     {totals.bytes:,}  ({size(totals.bytes)}, compressed {size(totals.compressed)})"
    yield f"  words     {totals.words:,}, {totals.distinct_words:,} of them distinct"
    yield f"            {_verdict(summary)}"
    for name, names in _aside(summary):
        if names:
            more = f" and {len(names) - MOST:,} more" if len(names) > MOST else ""
            yield f"  {name:10}{', '.join(names[:MOST])}{more}"


def _verdict(summary: Summary) -> str:
    if summary.equal:
        return "checked against a direct computation: equal"
    return f"checked against a direct computation: NOT EQUAL, {counted(len(summary.different), 'file')} differ"


def _aside(summary: Summary) -> Iterator[tuple[str, list[str]]]:
    yield "different", summary.different
    yield "unread", list(summary.totals.unreadable)
    yield "changed", [f"{name} (while the demo ran; not counted)" for name in summary.changed]
    yield "left out", [f"{what} ({number:,})" for what, number in summary.left_out.items()]
