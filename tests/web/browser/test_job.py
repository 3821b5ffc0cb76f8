"""One job's screen tells why, shows what it was given and gave, follows what it says, and runs it again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .rig import Shop, visit

pytestmark = pytest.mark.needs("chromium")


def test_a_dead_job_tells_why_and_what_was_tried(page: Page, shop: Shop) -> None:
    job = shop.job("state=dead&queue=mail")
    visit(page, shop, f"jobs/{job['id']}")
    expect(page.locator(".why-first")).to_have_text("All 2 attempts failed.")
    expect(page.locator(".timeline li")).to_have_count(3)
    expect(page.locator(".traceback")).to_contain_text("ConnectionError")
    expect(page.get_by_role("heading", name="Compared with the last success")).to_be_visible()
    expect(page.locator(".output")).to_contain_text("connecting to the server")


def test_a_running_job_shows_its_progress_and_its_output_as_it_comes(page: Page, shop: Shop) -> None:
    job = shop.job("state=running")
    visit(page, shop, f"jobs/{job['id']}")
    expect(page.locator("progress")).to_be_visible()
    before = page.locator(".output-line").count()
    expect(page.locator(".output-line").nth(before + 2)).to_be_attached()
    page.get_by_label("Find in output").fill("step 1 of")
    expect(page.locator(".output-line")).to_have_count(1)


def test_where_no_service_runs_the_stack_says_what_to_start(page: Page, shop: Shop) -> None:
    visit(page, shop, f"jobs/{shop.job('state=running')['id']}")
    page.get_by_role("button", name="Look now").click()
    expect(page.get_by_role("alert").filter(has_text="service")).to_be_visible()


def test_a_job_is_held_and_released_with_single_keys(page: Page, shop: Shop) -> None:
    visit(page, shop, f"jobs/{shop.enqueue('shop.one')}")
    expect(page.get_by_role("button", name="Hold")).to_be_visible()
    page.keyboard.press("h")
    expect(page.locator(".head .state")).to_have_text("Held")
    expect(page.get_by_role("button", name="Release")).to_be_visible()
    page.keyboard.press("l")
    expect(page.locator(".head .state")).to_have_text("Ready")


def test_a_deleted_job_is_asked_for_first_and_then_gone(page: Page, shop: Shop) -> None:
    job_id = shop.enqueue("shop.delete")
    visit(page, shop, f"jobs/{job_id}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    visit(page, shop, f"jobs/{job_id}")
    expect(page.get_by_text("This job is not here")).to_be_visible()


def test_a_job_runs_again_with_edited_arguments(page: Page, shop: Shop) -> None:
    job_id = shop.enqueue("shop.edit", 1, {"a": True})
    visit(page, shop, f"jobs/{job_id}")
    expect(page.get_by_role("heading", name="Arguments")).to_be_visible()
    page.keyboard.press("e")
    field = page.get_by_label("By position, a JSON list")
    field.fill("[2")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="This is no JSON")).to_be_visible()
    field.fill("[2]")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Enqueued as")).to_be_visible()
    made = shop.job("queue=attic&task=shop.edit")
    assert made["id"] != job_id
    expect(page.locator(".head")).to_contain_text(made["id"])
    assert shop.ask("GET", f"/api/v1/jobs/{made['id']}/arguments")["positional"] == [2]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Python", 'from shop import pack\n\npack.using(queue="attic").enqueue(1, {"gift": True, "to": None})'),
        ("CLI", """queuemgr enqueue shop.pack 1 '{"gift":true,"to":null}' --queue attic"""),
        ("curl", '"arguments":[1,{"gift":true,"to":null}]'),
    ],
)
def test_a_job_can_be_copied_as_code(page: Page, shop: Shop, kind: str, text: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit(page, shop, f"jobs/{shop.enqueue('shop.pack', 1, {'gift': True, 'to': None})}")
    page.get_by_role("button", name="Copy as").click()
    page.get_by_role("menuitem", name=kind).click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert text in page.evaluate("() => navigator.clipboard.readText()")
