"""What an action of the page is in these tests: what is done, what it asks of the server, and what offers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.web.browser.pressing import press

from .hands import Hands, Keys
from .store import Million


@dataclass(frozen=True, slots=True)
class Action:
    """`do` acts by either hand and looks at what the store says afterwards.

    `asks` are the operations that it must ask for, and no other that changes anything, with their verbs. `offers` are
    the names of the texts on what is clicked, `keys` the keys that do the same: "jobs h", as the help groups them.
    `palette` are the texts of the palette's entries that do it.
    """

    name: str
    do: Callable[[Hands, Million], None]
    asks: frozenset[str] = frozenset()
    offers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()


def asking(*names: str) -> frozenset[str]:
    return frozenset(names)


def own_queue(hands: Hands, name: str) -> str:
    """A queue of that name that the other hand does not touch."""
    return f"{name}-{hands.word}"


def opened(hands: Hands, job_id: str) -> None:
    """The job's own screen."""
    hands.search(job_id)
    hands.open(job_id)


def summoned(hands: Hands, typed: str, entry: str) -> None:
    """The palette's entry is carried out."""
    hands.summon()
    hands.page.keyboard.type(typed)
    hands.take(entry)


def left(hands: Hands) -> None:
    """What is open is closed."""
    if isinstance(hands, Keys):
        press(hands.page, "Escape")
    else:
        hands.page.get_by_role("dialog").get_by_role("button", name="Close").first.click()
