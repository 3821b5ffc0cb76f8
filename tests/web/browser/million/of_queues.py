"""What can be done with queues and with workers, in their lists and from the palette."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from queuemgr.job import State

from .acting import Action, asking, own_queue, summoned
from .hands import Hands, arrived, dialog, told
from .store import Million

HEEDED = 15000  # a worker looks for wishes every two seconds


def pause(hands: Hands, store: Million) -> None:
    queue = _listed(hands, store, "calm")
    hands.use_at(queue, f"Pause {queue}", "p")
    told(hands.page, f"Queue {queue} is paused")
    assert store.rows("SELECT 1 FROM queuemgr_paused WHERE queue = ?", queue)
    hands.use_at(queue, f"Resume {queue}", "p")
    told(hands.page, f"Queue {queue} goes on")
    assert not store.rows("SELECT 1 FROM queuemgr_paused WHERE queue = ?", queue)


def limit(hands: Hands, store: Million) -> None:
    queue = _listed(hands, store, "narrow")
    for typed, kept in (("3", [(3,)]), ("", [])):
        hands.use_at(queue, "Change the limit", "e")
        hands.write(f"How many jobs of {queue}", typed)
        hands.use("Set")
        told(hands.page, f"Queue {queue} runs 3 jobs" if typed else f"Queue {queue} has no limit")
        assert store.rows("SELECT running FROM queuemgr_limits WHERE queue = ?", queue) == kept


def prioritise(hands: Hands, store: Million) -> None:
    queue = own_queue(hands, "urgent")
    ids = store.put(4, queue=queue) + store.put(2, State.HELD, queue=queue)
    hands.go("q")
    hands.choose(f"More for {queue}", "Priority of what waits", row=queue)
    hands.write(f"Priority of what waits in {queue}", "8")
    hands.use("Set")
    expect(dialog(hands.page)).to_contain_text("Will give 6 waiting jobs priority 8")
    hands.confirm("Change priority")
    told(hands.page, "6 jobs now of priority 8")
    assert store.told("priority", ids) == {8}


def drain(hands: Hands, store: Million) -> None:
    queue = own_queue(hands, "rubbish")
    ids = store.put(5, queue=queue) + store.put(2, State.HELD, queue=queue)
    dead = store.put(1, State.DEAD, queue=queue)
    hands.go("q")
    if hands.word == "keys":
        hands.use_at(queue, "", "d")
    else:
        hands.choose(f"More for {queue}", "Drain", row=queue)
    _drained(hands, store, ids)
    assert store.states(dead) == {"dead"}


def _drained(hands: Hands, store: Million, ids: list[str]) -> None:
    expect(dialog(hands.page)).to_contain_text(f"Will delete {len(ids)} jobs")
    hands.confirm("Delete")
    told(hands.page, f"{len(ids)} jobs deleted")
    assert store.states(ids) == {"gone"}


def retry_dead(hands: Hands, store: Million) -> None:
    queue = own_queue(hands, "mended")
    ids = store.put(4, State.DEAD, queue=queue)
    hands.go("q")
    hands.choose(f"More for {queue}", "Retry all dead", row=queue)
    _retried(hands, store, ids)


def _retried(hands: Hands, store: Million, ids: list[str]) -> None:
    expect(dialog(hands.page)).to_contain_text(f"Will retry {len(ids)} jobs")
    hands.confirm("Retry")
    told(hands.page, f"{len(ids)} jobs run again")
    assert store.states(ids) == {"ready"}


def its_jobs(hands: Hands, store: Million) -> None:
    queue = _listed(hands, store, "looked-at")
    hands.choose(f"More for {queue}", "Its jobs", row=queue)
    arrived(hands.page, "Jobs")
    expect(hands.page.locator("tbody tr")).to_have_count(1)


def from_the_palette(hands: Hands, store: Million) -> None:
    queue = own_queue(hands, "spoken")
    waiting, dead = store.put(3, queue=queue), store.put(2, State.DEAD, queue=queue)
    hands.go("o")
    summoned(hands, f"pause queue {queue}", f"Pause queue {queue}")
    told(hands.page, f"Queue {queue} is paused")
    assert store.queue(queue)["paused"]
    summoned(hands, f"resume queue {queue}", f"Resume queue {queue}")
    told(hands.page, f"Queue {queue} goes on")
    assert not store.queue(queue)["paused"]
    summoned(hands, f"drain queue {queue}", f"Drain queue {queue}")
    _drained(hands, store, waiting)
    summoned(hands, f"retry all dead of {queue}", f"Retry all dead of {queue}")
    _retried(hands, store, dead)
    summoned(hands, f"queue {queue}", f"Queue {queue}")
    expect(hands.page).to_have_url(re.compile(f"queue:{queue}"))


def workers(hands: Hands, store: Million) -> None:
    name = own_queue(hands, "helper")
    process = store.begin(name)
    store.await_(lambda: _state(store, name) == "running")
    hands.go("w")
    card = hands.page.get_by_role("listitem").filter(has=hands.page.get_by_role("heading", name=name))
    hands.use(f"Quiet {name}")
    expect(card.get_by_text("Takes no jobs")).to_be_visible(timeout=HEEDED)
    assert _state(store, name) == "quiet"
    hands.use(f"Resume {name}")
    expect(card.get_by_text("Waits for jobs")).to_be_visible(timeout=HEEDED)
    assert _state(store, name) == "running"
    hands.use(f"Stop {name}")
    hands.write("Seconds for its jobs to end", "0")
    hands.confirm("Stop")
    expect(card).to_have_count(0, timeout=HEEDED)
    assert process.wait(HEEDED / 1000) == 0
    assert _state(store, name) is None


def _state(store: Million, name: str) -> object:
    rows = store.rows("SELECT state FROM queuemgr_workers WHERE name = ?", name)
    return rows[0][0] if rows else None


def _listed(hands: Hands, store: Million, name: str) -> str:
    queue = own_queue(hands, name)
    store.put(1, queue=queue)
    hands.go("q")
    return queue


OF_PALETTE = asking("queues.pause", "queues.resume", "queues.drain", "jobs.change_matching retry")
ENTRIES = tuple(f"palette.queue{part}" for part in ("", ".pause", ".resume", ".drain", ".retry"))
ACTIONS = (
    Action(
        "pause a queue",
        pause,
        asking("queues.pause", "queues.resume"),
        ("queues.pause", "queues.resume"),
        ("queues p",),
    ),
    Action("limit a queue", limit, asking("queues.limit"), ("queues.limit.edit", "queues.limit.keep"), ("queues e",)),
    Action("prioritise a queue", prioritise, asking("jobs.prioritise"), ("queues.more", "queues.prioritise")),
    Action("drain a queue", drain, asking("queues.drain"), ("queues.drain",), ("queues d",)),
    Action("retry what is dead in a queue", retry_dead, asking("jobs.change_matching retry"), ("queues.retry",)),
    Action("see the jobs of a queue", its_jobs, offers=("queues.jobs",)),
    Action("do all that with a queue by the palette", from_the_palette, OF_PALETTE, palette=ENTRIES),
    Action(
        "let a worker rest, go on and leave",
        workers,
        asking("workers.quiet", "workers.resume", "workers.stop"),
        ("workers.quiet.of", "workers.resume.of", "workers.stop.of"),
    ),
)
