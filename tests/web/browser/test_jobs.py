"""The list of jobs can be searched, paged and acted upon, with a pointer or with the keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .pressing import to_screen
from .rig import Shop, visit

pytestmark = pytest.mark.needs("chromium")


def test_the_states_narrow_the_list_and_say_how_many_there_are(tab: Page, shop: Shop) -> None:
    visit(tab, shop, "jobs")
    dead = tab.get_by_role("navigation", name="States").get_by_role("link", name="Dead")
    expect(dead.locator(".count")).to_have_text("3")
    dead.click()
    expect(tab.locator("tbody tr")).to_have_count(3)
    expect(tab.get_by_role("combobox")).to_have_value("state:dead")


def test_on_a_phone_the_chosen_state_is_seen_in_the_line_of_them(page: Page, shop: Shop) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, shop, "jobs?q=state:dead")
    chosen = page.locator(".states [aria-current]")
    expect(chosen).to_have_text(re.compile("Dead 3|Dead3"))
    expect(chosen).to_be_in_viewport(ratio=1)


def test_the_search_box_offers_what_may_follow_and_keeps_it_in_the_address(tab: Page, shop: Shop) -> None:
    visit(tab, shop, "jobs")
    tab.keyboard.press("/")
    tab.keyboard.type("que")
    tab.get_by_role("option", name="queue:").click()
    tab.get_by_role("option", name="queue:payments").click()
    expect(tab).to_have_url(re.compile(r"q=queue:payments"))
    expect(tab.locator("tbody tr")).to_have_count(2)
    tab.reload()
    expect(tab.get_by_role("combobox")).to_have_value("queue:payments")
    expect(tab.locator("tbody tr")).to_have_count(2)


@pytest.mark.parametrize(
    ("search", "found"),
    [("error:declined", 1), ("args.order_id:12", 1), ("state:dead queue:mail", 2), ("tag:newsletter after:1h", 4)],
)
def test_a_search_finds_by_state_error_argument_tag_and_time(tab: Page, shop: Shop, search: str, found: int) -> None:
    visit(tab, shop, "jobs")
    tab.get_by_role("combobox").fill(search)
    tab.keyboard.press("Enter")
    expect(tab.locator("tbody tr")).to_have_count(found)


def test_what_is_typed_and_not_searched_for_yet_is_said_and_searched_for_with_a_pointer(tab: Page, shop: Shop) -> None:
    visit(tab, shop, "jobs")
    search = tab.get_by_role("search").get_by_role("button", name="Search", exact=True)
    expect(search).to_have_count(0)
    tab.get_by_role("combobox").fill("state:dead queue:mail")
    search.click()
    expect(tab.locator("tbody tr")).to_have_count(2)
    expect(search).to_have_count(0)


def test_long_names_cover_nothing_and_are_told_whole_where_they_are_cut(page: Page, shop: Shop) -> None:
    name = "the-queue-of-all-that-nobody-else-has-taken-on-" + "and-on-" * 10
    job = shop.enqueue("shop.reports." + "of_all_regions_" * 8, queue=name)
    for width in (1280, 1120, 390):
        page.set_viewport_size({"width": width, "height": 900})
        visit(page, shop, "jobs")
        expect(page.locator(f'tr[data-id="{job}"] [title="{name}"]')).to_have_count(1)
        expect(page.locator("tbody progress")).to_have_count(1)
        beyond = """cells => cells.flatMap((cell) => [...cell.children]
            .filter((one) => getComputedStyle(one).display !== "none")
            .filter((one) => one.getBoundingClientRect().right > cell.getBoundingClientRect().right + 1)
            .map((one) => one.outerHTML))"""
        assert page.locator("td:visible").evaluate_all(beyond) == [], width
    shop.ask("POST", "/api/v1/change", {"verb": "delete", "job_ids": [job]})


def test_a_search_that_is_not_understood_says_what_to_write(tab: Page, shop: Shop) -> None:
    visit(tab, shop, "jobs?q=state:ded")
    expect(tab.get_by_role("alert")).to_contain_text("did you mean 'dead'")


def test_a_search_without_a_hit_offers_all_jobs(tab: Page, shop: Shop) -> None:
    visit(tab, shop, "jobs?q=queue:nowhere")
    expect(tab.get_by_text("No job fits this search")).to_be_visible()
    tab.get_by_role("link", name="Show all jobs").click()
    expect(tab.locator("tbody tr").first).to_be_visible()


def test_the_keyboard_alone_finds_chooses_and_cancels_jobs(tab: Page, shop: Shop) -> None:
    for _ in range(3):
        shop.enqueue("shop.keys", queue="keys")
    visit(tab, shop, "overview")
    to_screen(tab, "j", "Jobs")
    tab.keyboard.press("/")
    tab.keyboard.type("queue:keys")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Escape")
    expect(tab.locator("tbody tr")).to_have_count(3)
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    tab.keyboard.press("j")
    tab.keyboard.press("Shift+X")
    expect(tab.get_by_text("2 selected")).to_be_visible()
    tab.keyboard.press("c")
    expect(tab.get_by_role("dialog")).to_contain_text("Will cancel 2 jobs")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("status").filter(has_text="2 jobs cancelled")).to_be_visible()
    expect(tab.locator("tbody tr").filter(has_text="Cancelled")).to_have_count(2)


AT_ONCE = """async (keys) => {
    for (const key of keys) {
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        if (key === "Enter") document.activeElement.blur();
        await null;
    }
}"""


def test_keys_that_follow_a_search_at_once_change_nothing_of_the_list_before_it(tab: Page, shop: Shop) -> None:
    visit(tab, shop, "jobs")
    expect(tab.locator("tbody tr").first).to_be_visible()
    tab.keyboard.press("/")
    tab.keyboard.type("queue:nowhere")
    tab.evaluate(AT_ONCE, ["Enter", "a", "a", "h"])
    expect(tab.get_by_text("No job fits this search")).to_be_visible()
    expect(tab.get_by_role("dialog")).to_have_count(0)


def test_all_that_match_are_changed_once_their_number_was_seen(tab: Page, shop: Shop) -> None:
    for _ in range(60):
        shop.enqueue("shop.many", queue="many")
    visit(tab, shop, "jobs?q=queue:many")
    tab.get_by_role("checkbox", name="Select all on this page").check()
    expect(tab.get_by_text("50 selected")).to_be_visible()
    tab.get_by_role("button", name="Select all that match").click()
    tab.get_by_role("button", name="Hold").click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("Will hold 60 jobs")
    dialog.get_by_role("button", name="Hold").click()
    expect(tab.get_by_role("status").filter(has_text="60 jobs held")).to_be_visible()
    assert shop.ask("GET", "/api/v1/count?verb=release&queue=many")["matched"] == 60


def test_chosen_jobs_that_wait_get_another_priority(tab: Page, shop: Shop) -> None:
    ids = [shop.enqueue("shop.urgent", queue="urgent") for _ in range(3)]
    visit(tab, shop, "jobs?q=queue:urgent")
    for job_id in ids[:2]:
        tab.locator(f'tr[data-id="{job_id}"]').get_by_role("checkbox").check()
    tab.get_by_role("button", name="Change priority").click()
    field = tab.get_by_label("Priority of the chosen jobs")
    expect(field).to_be_focused()
    field.fill("10")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    field.fill("8")
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("Will give 2 waiting jobs priority 8")
    dialog.get_by_role("button", name="Change priority").click()
    expect(tab.get_by_role("status").filter(has_text="2 jobs now of priority 8")).to_be_visible()
    assert [shop.ask("GET", f"/api/v1/jobs/{job_id}")["job"]["priority"] for job_id in ids] == [8, 8, 0]


def test_the_pages_follow_one_another_and_the_way_back_is_the_browsers(tab: Page, shop: Shop) -> None:
    for _ in range(55):
        shop.enqueue("shop.paged", queue="paged")
    visit(tab, shop, "jobs?q=queue:paged")
    expect(tab.locator("tbody tr")).to_have_count(50)
    tab.get_by_role("link", name="Older").click()
    expect(tab.locator("tbody tr")).to_have_count(5)
    tab.go_back()
    expect(tab.locator("tbody tr")).to_have_count(50)


def test_a_new_job_appears_by_itself_and_waits_while_somebody_chooses(tab: Page, shop: Shop) -> None:
    shop.enqueue("shop.first", queue="live")
    visit(tab, shop, "jobs?q=queue:live")
    expect(tab.locator("tbody tr")).to_have_count(1)
    shop.enqueue("shop.second", queue="live")
    expect(tab.locator("tbody tr")).to_have_count(2)
    tab.locator("tbody tr").first.get_by_role("checkbox").check()
    shop.enqueue("shop.third", queue="live")
    tab.get_by_role("button", name="1 new job").click()
    expect(tab.locator("tbody tr")).to_have_count(3)
