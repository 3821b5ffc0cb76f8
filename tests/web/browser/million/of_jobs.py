"""What can be done with one job, and with chosen ones or all that match in the list."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from queuemgr.job import State

from .acting import Action, asking, left, opened, own_queue
from .hands import Hands, dialog, told
from .store import Million

FROM = {
    "retry": State.DEAD,
    "cancel": State.SCHEDULED,
    "hold": State.READY,
    "release": State.HELD,
    "delete": State.SUCCEEDED,
}
BECOMES = {"retry": "ready", "cancel": "cancelled", "hold": "held", "release": "ready", "delete": "gone"}
KEYS = {"retry": "r", "cancel": "c", "hold": "h", "release": "l", "delete": "d"}
DONE = {"retry": "run again", "cancel": "cancelled", "hold": "held", "release": "released", "delete": "deleted"}
ASKED_FIRST = ("cancel", "delete")
MATCHING = 70
"""More than a page of the list."""


def one(verb: str) -> Action:
    def do(hands: Hands, store: Million) -> None:
        ids = store.put(1, FROM[verb], queue=own_queue(hands, "one"))
        opened(hands, ids[0])
        word = verb.capitalize()
        expect(hands.page.locator("main").get_by_role("button", name=word, exact=True)).to_be_visible()
        hands.use(word, KEYS[verb])
        if verb in ASKED_FIRST:
            hands.confirm(word)
        told(hands.page, "1 job")
        assert store.states(ids) == {BECOMES[verb]}

    return Action(f"{verb} one job", do, asking(f"jobs.change {verb}"), (f"change.{verb}",), (f"job {KEYS[verb]}",))


def chosen(verb: str) -> Action:
    def do(hands: Hands, store: Million) -> None:
        queue = own_queue(hands, f"some-{verb}")
        ids = store.put(3, FROM[verb], queue=queue)
        hands.search(f"queue:{queue}")
        hands.mark(ids[:2])
        hands.use(verb.capitalize(), KEYS[verb])
        expect(dialog(hands.page)).to_contain_text(f"Will {verb} 2 jobs")
        hands.confirm(verb.capitalize())
        told(hands.page, f"2 jobs {DONE[verb]}")
        assert store.states(ids[:2]) == {BECOMES[verb]}
        assert store.states(ids[2:]) == {FROM[verb].word}

    offers = (f"change.{verb}", "choose.row")
    keys = (f"jobs {KEYS[verb]}", "list x", "list shift+x")
    return Action(f"{verb} chosen jobs", do, asking(f"jobs.change {verb}"), offers, keys)


def matching(verb: str) -> Action:
    def do(hands: Hands, store: Million) -> None:
        queue = own_queue(hands, f"all-{verb}")
        ids = store.put(MATCHING, FROM[verb], queue=queue)
        hands.search(f"queue:{queue}")
        hands.mark_page()
        hands.use("Select all that match", "a")
        expect(hands.page.get_by_text("All that match are selected")).to_be_visible()
        hands.use(verb.capitalize(), KEYS[verb])
        expect(dialog(hands.page)).to_contain_text(f"Will {verb} {MATCHING} jobs")
        hands.confirm(verb.capitalize())
        told(hands.page, f"{MATCHING} jobs {DONE[verb]}")
        assert store.states(ids) == {BECOMES[verb]}

    offers = (f"change.{verb}", "choose.page", "jobs.chosen.take_all")
    keys = (f"jobs {KEYS[verb]}", "jobs a")
    return Action(f"{verb} all that match", do, asking(f"jobs.change_matching {verb}"), offers, keys)


def prioritise_chosen(hands: Hands, store: Million) -> None:
    queue = own_queue(hands, "some-first")
    ids = store.put(3, queue=queue)
    hands.search(f"queue:{queue}")
    hands.mark(ids[:2])
    _prioritise(hands, 2)
    assert store.told("priority", ids[:2]) == {7}
    assert store.told("priority", ids[2:]) == {0}


def prioritise_matching(hands: Hands, store: Million) -> None:
    queue = own_queue(hands, "all-first")
    ids = store.put(MATCHING, queue=queue)
    hands.search(f"queue:{queue}")
    hands.mark_page()
    hands.use("Select all that match", "a")
    expect(hands.page.get_by_text("All that match are selected")).to_be_visible()
    _prioritise(hands, MATCHING)
    assert store.told("priority", ids) == {7}


def _prioritise(hands: Hands, number: int) -> None:
    hands.use("Change priority", "p")
    hands.write("Priority of the chosen jobs", "7")
    hands.use("Set")
    expect(dialog(hands.page)).to_contain_text(f"Will give {number} waiting jobs priority 7")
    hands.confirm("Change priority")
    told(hands.page, f"{number} jobs now of priority 7")


def clear(hands: Hands, store: Million) -> None:
    queue = own_queue(hands, "cleared")
    ids = store.put(2, queue=queue)
    hands.search(f"queue:{queue}")
    hands.mark(ids)
    expect(hands.page.get_by_text("2 selected")).to_be_visible()
    hands.use("Clear", "Escape")
    expect(hands.page.get_by_role("region", name="Selected jobs")).to_have_count(0)
    assert store.states(ids) == {"ready"}


def cancel_running(hands: Hands, store: Million) -> None:
    job_id = store.running()[0]
    opened(hands, job_id)
    expect(hands.page.locator("main").get_by_role("button", name="Cancel")).to_be_visible()
    hands.use("Cancel", "c")
    hands.confirm("Cancel")
    told(hands.page, "1 job cancelled")
    store.await_(lambda: store.states([job_id]) == {"cancelled"})


def rerun(hands: Hands, store: Million) -> None:
    queue = own_queue(hands, "edited")
    ids = store.put(1, State.DEAD, queue=queue)
    opened(hands, ids[0])
    expect(hands.page.get_by_role("heading", name="Arguments")).to_be_visible()
    hands.use("Run again with", "e")
    expect(hands.page.get_by_role("dialog", name="Run shop.put again")).to_be_visible()
    hands.write("By position, a JSON list", "[2, 3]")
    hands.confirm("Run")
    told(hands.page, "Enqueued as")
    made = store.job(f"queue={queue}")["id"]
    assert made not in ids
    assert store.ask("GET", f"/api/v1/jobs/{made}/arguments")["positional"] == [2, 3]
    assert store.states(ids) == {"dead"}


def copy(hands: Hands, store: Million) -> None:
    hands.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(hands, store.put(1, queue=own_queue(hands, "copied"))[0])
    for kind, text in (("Python", "put.using"), ("CLI", "queuemgr enqueue shop.put 1"), ("curl", "curl -X POST")):
        hands.choose("Copy as", kind)
        told(hands.page, "Copied")
        assert text in hands.page.evaluate("() => navigator.clipboard.readText()")


def watch(hands: Hands, store: Million) -> None:
    job_id = store.running()[-1]
    opened(hands, job_id)
    follow = hands.page.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    hands.use("Follow", "f")
    expect(follow).to_have_attribute("aria-pressed", "false")
    hands.use("Look now", "i")
    expect(hands.page.get_by_role("alert").filter(has_text="service")).to_be_visible()
    assert store.states([job_id]) == {"running"}


def complete(hands: Hands, store: Million) -> None:
    hands.go("j")
    box = hands.page.get_by_role("combobox", name="Search jobs")
    hands.use("Search jobs", "/")
    hands.page.keyboard.type("que")
    hands.take("queue:")
    hands.page.keyboard.type("pay")
    hands.take("queue:payments")
    expect(hands.page).to_have_url(re.compile(r"q=queue:payments"))
    expect(hands.page.locator("tbody tr")).to_have_count(50)
    assert {job["queue"] for job in store.ask("GET", "/api/v1/jobs?search=queue:payments&limit=50")["jobs"]} == {
        "payments"
    }
    hands.use("Clear the search")
    expect(box).to_have_value("")


def page_through(hands: Hands, store: Million) -> None:
    hands.search("queue:exports")
    rows = hands.page.locator("tbody tr")
    seen = []
    for step, key in (("", ""), ("Older", "n"), ("Older", "n"), ("Back", "b"), ("Newest", "b")):
        if step:
            before = rows.first.get_attribute("data-id")
            hands.use(step, key)
            expect(rows.first).not_to_have_attribute("data-id", str(before))
        expect(rows).to_have_count(50)
        seen.append([row.get_attribute("data-id") for row in rows.all()])
    first, second, third, again, newest = seen
    assert again == second
    assert newest == first
    newest_first = [job["id"] for job in store.ask("GET", "/api/v1/jobs?queue=exports&limit=150")["jobs"]]
    assert [*first, *second, *third] == newest_first


def help_(hands: Hands, store: Million) -> None:
    hands.go("j")
    hands.help()
    expect(hands.page.get_by_role("dialog", name="Keyboard")).to_contain_text("Select up to here")
    left(hands)
    expect(dialog(hands.page)).to_have_count(0)


VERBS = tuple(FROM)
PAGES = ("pages.older", "pages.back", "pages.newest")
ACTIONS = (
    *(make(verb) for make in (one, chosen, matching) for verb in VERBS),
    Action(
        "prioritise chosen jobs",
        prioritise_chosen,
        asking("jobs.prioritise"),
        ("change.prioritise", "priority.keep"),
        ("jobs p",),
    ),
    Action("prioritise all that match", prioritise_matching, asking("jobs.prioritise"), ("jobs.chosen.take_all",)),
    Action("clear the choice", clear, offers=("jobs.chosen.clear",), keys=("list Escape",)),
    Action("cancel a running job", cancel_running, asking("jobs.change cancel"), ("change.cancel",), ("job c",)),
    Action("run a job again", rerun, asking("jobs.rerun"), ("rerun.title", "rerun.run"), ("job e",)),
    Action("copy a job", copy, offers=("copy.as",)),
    Action("watch a job", watch, offers=("output.follow", "inspect.look"), keys=("job f", "job i")),
    Action("search with suggestions", complete, offers=("jobs.search.clear",), keys=("jobs /",)),
    Action("go through pages", page_through, offers=PAGES, keys=("list n", "list b")),
    Action("ask which keys there are", help_, offers=("keys.help",), keys=("page ?",)),
)
