"""One job's screen tells why, shows what it was given and gave, follows what it says, and runs it again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.daemon.rig import Daemon
from tests.web.rig import Server

from .rig import Shop, visit

pytestmark = pytest.mark.needs("chromium")


def test_a_dead_job_tells_why_and_what_was_tried(tab: Page, shop: Shop) -> None:
    job = shop.job("state=dead&queue=mail")
    visit(tab, shop, f"jobs/{job['id']}")
    expect(tab.locator(".why-first")).to_have_text("All 2 attempts failed.")
    expect(tab.locator(".timeline li")).to_have_count(3)
    expect(tab.locator(".traceback")).to_contain_text("ConnectionError")
    expect(tab.get_by_role("heading", name="Compared with the last success")).to_be_visible()
    expect(tab.locator(".output")).to_contain_text("connecting to the server")


def test_a_job_that_is_to_start_later_can_be_run_now_and_has_no_past(tab: Page, shop: Shop) -> None:
    visit(tab, shop, f"jobs/{shop.job('state=scheduled')['id']}")
    expect(tab.get_by_role("button", name="Run now")).to_be_visible()
    expect(tab.get_by_role("button", name="Retry")).to_have_count(0)
    expect(tab.locator(".timeline li")).to_have_count(2)
    expect(tab.locator(".bars")).to_have_count(0)


def test_values_that_json_lacks_are_shown_as_what_they_are(tab: Page, shop: Shop) -> None:
    secret, own = {"$": "secret", "v": "4111"}, {"$": "mine", "v": "1"}
    visit(tab, shop, f"jobs/{shop.enqueue('shop.tagged', secret, own)}")
    arguments = tab.get_by_role("region", name="Arguments")
    expect(arguments.locator(".json-leaf")).to_have_text(["0••• secret", "$mine", "v1"])
    expect(arguments.locator("summary")).to_have_text("12 fields")


def test_a_result_that_may_be_large_is_not_sent_along_with_the_attempts(tab: Page, shop: Shop) -> None:
    job = shop.job("state=succeeded&queue=payments")
    with tab.expect_response(re.compile(rf"/jobs/{job['id']}\?")) as shown:
        visit(tab, shop, f"jobs/{job['id']}")
    facts = shown.value.json()
    assert facts["result"] is None
    assert facts["attempts"]
    assert shop.ask("GET", f"/api/v1/jobs/{job['id']}")["result"]["value"]["order"] == 12
    expect(tab.get_by_role("region", name="Result")).to_contain_text("A-1")


def test_a_job_that_was_just_done_is_kept_for_a_week(tab: Page, shop: Shop) -> None:
    visit(tab, shop, f"jobs/{shop.job('state=succeeded')['id']}")
    expect(tab.locator("dl").get_by_text("in 7d", exact=True)).to_be_visible()


def test_a_running_job_shows_its_progress_and_its_output_as_it_comes(tab: Page, shop: Shop) -> None:
    job = shop.job("state=running")
    visit(tab, shop, f"jobs/{job['id']}")
    expect(tab.locator("progress")).to_be_visible()
    before = tab.locator(".output-line").count()
    expect(tab.locator(".output-line").nth(before + 2)).to_be_attached()
    said = re.search(r"step \d+ of", tab.locator(".output-line").last.inner_text())
    assert said
    tab.get_by_label("Find in output").fill(said[0])
    expect(tab.locator(".output-line")).to_have_count(1)


def test_where_no_service_runs_it_a_job_says_that_it_cannot_be_looked_into(tab: Page, shop: Shop) -> None:
    visit(tab, shop, f"jobs/{shop.job('state=running')['id']}")
    tab.get_by_role("button", name="Look now").click()
    told = tab.get_by_role("alert").filter(has_text="Only jobs that the service runs can be looked into")
    expect(told).to_contain_text("no service answers at")


def test_where_a_service_runs_it_a_job_shows_its_processes_and_where_its_code_stands(
    page: Page, tmp_path: Path
) -> None:
    daemon = Daemon(tmp_path)
    daemon.begin()
    try:
        daemon.add("Sleeping", "monday", note=str(tmp_path / "note"), family=True)
        store = f"sqlite:///{tmp_path}/data/registry.db"
        with Server(tmp_path, store) as server:  # the service has its socket below the same folder
            page.goto(f"{server.url}/#/jobs/monday")
            expect(page.locator(".head .state")).to_have_text("Running")
            page.get_by_role("button", name="Look now").click()
            rows = page.get_by_role("region", name="Processes").locator("tbody tr")
            expect(rows).to_have_count(3)
            told = [r"\d+", r"\w+", r"\d+\w+", r"[\d.]+\sMB", r"\d+", r".*python.*"]
            cells = rows.first.get_by_role("cell").all_inner_texts()
            assert all(re.fullmatch(one, cell) for one, cell in zip(told, cells, strict=True)), cells
            expect(page.get_by_text("in execute")).to_be_visible()
            page.goto("about:blank")
    finally:
        daemon.close()


def test_a_job_is_held_and_released_with_single_keys(tab: Page, shop: Shop) -> None:
    visit(tab, shop, f"jobs/{shop.enqueue('shop.one')}")
    expect(tab.get_by_role("button", name="Hold")).to_be_visible()
    tab.keyboard.press("h")
    expect(tab.locator(".head .state")).to_have_text("Held")
    expect(tab.get_by_role("button", name="Release")).to_be_visible()
    tab.keyboard.press("l")
    expect(tab.locator(".head .state")).to_have_text("Ready")


def test_a_deleted_job_is_asked_for_first_and_then_gone(tab: Page, shop: Shop) -> None:
    job_id = shop.enqueue("shop.delete")
    visit(tab, shop, f"jobs/{job_id}")
    tab.get_by_role("button", name="Delete").click()
    tab.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(tab.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    visit(tab, shop, f"jobs/{job_id}")
    expect(tab.get_by_text("This job is not here")).to_be_visible()


def test_a_job_runs_again_with_edited_arguments(tab: Page, shop: Shop) -> None:
    job_id = shop.enqueue("shop.edit", 1, {"a": True})
    visit(tab, shop, f"jobs/{job_id}")
    expect(tab.get_by_role("heading", name="Arguments")).to_be_visible()
    tab.keyboard.press("e")
    field = tab.get_by_label("By position, a JSON list")
    field.fill("[2")
    tab.get_by_role("button", name="Run", exact=True).click()
    expect(tab.get_by_role("alert").filter(has_text="This is no JSON")).to_be_visible()
    field.fill("[2]")
    tab.get_by_role("button", name="Run", exact=True).click()
    expect(tab.get_by_role("status").filter(has_text="Enqueued as")).to_be_visible()
    made = shop.job("queue=attic&task=shop.edit")
    assert made["id"] != job_id
    expect(tab.locator(".head")).to_contain_text(made["id"])
    assert shop.ask("GET", f"/api/v1/jobs/{made['id']}/arguments")["positional"] == [2]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Python", 'from shop import pack\n\npack.using(queue="attic").enqueue(1, {"gift": True, "to": None})'),
        ("CLI", """queuemgr enqueue shop.pack 1 '{"gift":true,"to":null}' --queue attic"""),
        ("curl", '"arguments":[1,{"gift":true,"to":null}]'),
    ],
)
def test_a_job_can_be_copied_as_code(tab: Page, shop: Shop, kind: str, text: str) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit(tab, shop, f"jobs/{shop.enqueue('shop.pack', 1, {'gift': True, 'to': None})}")
    tab.get_by_role("button", name="Copy as").click()
    tab.get_by_role("menuitem", name=kind).click()
    expect(tab.get_by_text("Copied")).to_be_visible()
    assert text in tab.evaluate("() => navigator.clipboard.readText()")
