"""What can be done anywhere on the page. It changes nothing in the store."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .acting import Action, left, own_queue, summoned
from .hands import TITLES, Hands, arrived, dialog
from .store import Million


def go_round(hands: Hands, store: Million) -> None:
    for letter in TITLES:
        hands.go(letter)
    assert store.queue("mail")["counts"]["ready"] >= 500_000


def go_round_by_palette(hands: Hands, store: Million) -> None:
    for title in TITLES.values():
        summoned(hands, title.lower(), title)
        arrived(hands.page, title)


def find_jobs(hands: Hands, store: Million) -> None:
    job_id = store.put(1, queue=own_queue(hands, "found"))[0]
    hands.go("o")
    summoned(hands, job_id, f"Open job {job_id}")
    arrived(hands.page, "shop.put")
    summoned(hands, "jobs of shop.crawl", "Jobs of shop.crawl")
    expect(hands.page).to_have_url(re.compile("task:shop.crawl"))
    summoned(hands, "declined", "Search jobs for")
    expect(hands.page).to_have_url(re.compile("q=declined"))
    expect(hands.page.locator(".loading")).to_have_count(0)


def colours(hands: Hands, store: Million) -> None:
    hands.go("o")
    html = hands.page.locator("html")
    seen = [html.get_attribute("data-theme")]
    for _ in range(3):
        hands.turn_colours()
        expect(html).not_to_have_attribute("data-theme", str(seen[-1]))
        seen.append(html.get_attribute("data-theme"))
    assert len(set(seen)) == 3
    for name, kept in (("Dark colours", "dark"), ("Light colours", "light")):
        summoned(hands, name.lower(), name)
        expect(html).to_have_attribute("data-theme", kept)
    summoned(hands, "colours as the system", "Colours as the system has them")


def language(hands: Hands, store: Million) -> None:
    hands.go("o")
    summoned(hands, "русский", "Русский")
    arrived(hands.page, "Обзор")
    hands.choose("Язык", "English")
    arrived(hands.page, "Overview")


def keys_by_palette(hands: Hands, store: Million) -> None:
    hands.go("o")
    summoned(hands, "keyboard", "Keyboard")
    expect(dialog(hands.page)).to_contain_text("Go to")
    left(hands)


ACTIONS = (
    Action("go to every screen", go_round, keys=tuple(f"go g {letter}" for letter in TITLES)),
    Action(
        "go to every screen by the palette",
        go_round_by_palette,
        offers=("palette.title",),
        keys=("page ctrl+k",),
        palette=tuple(f"nav.{title.lower()}" for title in TITLES.values()),
    ),
    Action("find jobs by the palette", find_jobs, palette=("palette.job", "palette.task", "palette.search")),
    Action(
        "choose colours",
        colours,
        offers=("theme.auto", "theme.dark", "theme.light"),
        keys=("page t",),
        palette=("theme.auto", "theme.dark", "theme.light"),
    ),
    Action("choose a language", language, offers=("language",), palette=("palette.language",)),
    Action("ask the palette for the keys", keys_by_palette, palette=("keys.help",)),
)
