"""What is seen where there is no terminal: one line a second. It never takes a line back."""

from __future__ import annotations

import sys
import time
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing import TextIO

    from .watch import View

PAUSE = 1.0


def clock(seconds: float) -> str:
    """`0:07`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Display(Protocol):
    """Where a run is shown while it goes on."""

    def say(self, text: str) -> None:
        """What is being done now."""

    def page(self, url: str) -> None:
        """Where it can be seen in a browser, too. Called from another thread."""

    def show(self, view: View) -> None: ...

    def checked(self, done: int, total: int) -> None: ...

    def close(self) -> None: ...


class Lines:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._due = 0.0
        self._told = 0

    def say(self, text: str) -> None:
        self._print(text)

    def page(self, url: str) -> None:
        self._print(f"the page is at {url}")

    def show(self, view: View) -> None:
        for event in view.events[self._told :]:
            self._print(f"{clock(event.at)}  {event.word}: {event.text}")
        self._told = len(view.events)
        if self._is_due() or view.done == view.total:
            slow = [f"{PurePath(one.name).name} {one.percent:.0f} %" for one in view.running if one.percent]
            more = f"; {', '.join(slow[:3])}{' …' * (len(slow) > 3)}" if slow else ""
            self._print(f"{clock(view.seconds)}  {view.done:,} of {view.total:,} jobs, {view.rate:,.0f}/s{more}")

    def checked(self, done: int, total: int) -> None:
        if self._is_due():
            self._print(f"checked {done:,} of {total:,} files")

    def close(self) -> None:
        pass

    def _is_due(self) -> bool:
        now = time.monotonic()
        due = now >= self._due
        if due:
            self._due = now + PAUSE
        return due

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


def choose_display(*, quiet: bool) -> Display:
    """The whole screen of a terminal, or lines; with `quiet` on stderr, because stdout is for something else."""
    if quiet or not sys.stdout.isatty():
        return Lines(sys.stderr if quiet else sys.stdout)
    from rich.console import Console

    console = Console(highlight=False)
    if console.is_dumb_terminal:
        return Lines(sys.stdout)
    from .screen import Screen

    return Screen(console)
