"""What a client makes for itself when it is first used, in several threads at once, too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App, portal
from queuemgr.results import opening

A_MOMENT = 0.1  # seconds in which another thread would make the same if nothing kept it from that


class Maker:
    """Makes things as `make` does. The first one takes until a second one is begun, or a moment."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.begun, self.made = threading.Event(), 0
        self._make = make
        self._second = threading.Event()

    def __call__(self, *args: Any) -> Any:
        self.made += 1
        if self.begun.is_set():
            self._second.set()
        self.begun.set()
        self._second.wait(A_MOMENT)
        return self._make(*args)


def told_to_two(maker: Maker, ask: Callable[[], Any]) -> list[Any]:
    """What two threads get, of which the second asks while it is being made for the first."""
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask)
        assert maker.begun.wait(60)
        return [pool.submit(ask).result(60), first.result(60)]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = App(f"sqlite:///{tmp_path}/jobs.db")
    yield made
    made.close()


def test_two_threads_that_ask_first_get_one_store(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker(app.aio._open)
    monkeypatch.setattr(app.aio, "_open", maker)
    one, other = told_to_two(maker, lambda: app.aio.store)
    assert one is other
    assert maker.made == 1


def test_two_threads_that_ask_first_share_one_thread(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker(portal.Portal)
    monkeypatch.setattr(portal, "Portal", maker)
    counts = told_to_two(maker, app.client.count)
    assert (counts, maker.made) == ([0, 0], 1)


def test_two_threads_that_ask_first_get_one_place_of_large_results(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker(opening.place_of)
    monkeypatch.setattr(opening, "place_of", maker)
    one, other = told_to_two(maker, lambda: app.aio._place)
    assert one is other
    assert maker.made == 1
