"""What the person at the monitor has chosen, and what a key changes. Pure: it draws nothing and asks nobody."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

WINDOW = 5.0

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """`queue` is the selected one; with `only`, jobs of other queues are not shown.

    `job` is the selected running one; with `output`, what it prints is shown, also when it has ended. `sure` is
    whether it was asked to stop it once: it takes two.
    """

    queue: str | None = None
    only: bool = False
    job: str | None = None
    output: bool = False
    sure: bool = False

    @property
    def shown_queue(self) -> str | None:
        return self.queue if self.only else None

    @property
    def followed(self) -> str | None:
        """The job whose output is shown."""
        return self.job if self.output else None


@dataclass(frozen=True, slots=True)
class Toggle:
    """Pause the queue, or let it go on."""

    queue: str
    pause: bool


@dataclass(frozen=True, slots=True)
class Stop:
    job: str


@dataclass(frozen=True, slots=True)
class Quit:
    pass


Wish = Toggle | Stop | Quit | None


def press(choice: Choice, key: str, document: Document) -> tuple[Choice, Wish]:
    """What a key does: the new choice, and what else is wanted."""
    names = [queue["name"] for queue in document["queues"]]
    running = [job["id"] for job in document["running"]]
    if key == "s" and choice.job in running:
        return (
            (replace(choice, sure=False), Stop(str(choice.job))) if choice.sure else (replace(choice, sure=True), None)
        )
    choice = replace(choice, sure=False)
    match key:
        case "q":
            return choice, Quit()
        case "up" | "k":
            return replace(choice, queue=_beside(names, choice.queue, -1)), None
        case "down" | "j":
            return replace(choice, queue=_beside(names, choice.queue, 1)), None
        case "f":
            return replace(choice, only=not choice.only), None
        case "left" | "h":
            return replace(choice, job=_beside(running, choice.job, -1)), None
        case "right" | "l":
            return replace(choice, job=_beside(running, choice.job, 1)), None
        case "o":
            return replace(choice, output=not choice.output), None
        case "p" if choice.queue in names:
            paused = next(queue["paused"] for queue in document["queues"] if queue["name"] == choice.queue)
            return choice, Toggle(str(choice.queue), not paused)
    return choice, None


def settled(choice: Choice, document: Document) -> Choice:
    """A queue is always selected, if there is one, and so is a running job; one that is followed stays so."""
    names = [queue["name"] for queue in document["queues"]]
    if names and choice.queue not in names:
        choice = replace(choice, queue=names[0])
    running = [job["id"] for job in document["running"]]
    if choice.job in running:
        return choice
    if choice.followed is not None:
        return replace(choice, sure=False)
    return replace(choice, job=running[0] if running else None, sure=False)


def _beside(names: list[str], current: str | None, step: int) -> str | None:
    if not names:
        return None
    if current not in names:
        return names[0]
    return names[max(0, min(len(names) - 1, names.index(current) + step))]


@dataclass(slots=True)
class Rate:
    """Jobs ended per second, over the last seconds."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, at: float, finished: int) -> float | None:
        """The rate including this look; None after the first."""
        # Old jobs are forgotten now and then: the count falls, and the measuring begins anew.
        if self._seen and finished < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((at, finished))
        while len(self._seen) > 2 and self._seen[1][0] <= at - WINDOW:
            self._seen.popleft()
        began, before = self._seen[0]
        return (finished - before) / (at - began) if at > began else None
