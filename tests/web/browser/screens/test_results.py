"""Results are drawn as what they are: a table, a line, a picture, or a tree, page by page where they are long."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.browser.rig import Shop, visit

pytestmark = pytest.mark.needs("chromium")


def result(page: Page, yard: Shop, task: str) -> Locator:
    visit(page, yard, f"jobs/{yard.job(f'state=succeeded&task=yard.{task}')['id']}")
    return page.get_by_role("region", name="Result").first


def test_a_list_of_objects_is_a_table_with_pages(page: Page, yard: Shop) -> None:
    panel = result(page, yard, "orders")
    expect(panel.get_by_role("columnheader")).to_have_text(["#", "day", "orders", "note"])
    expect(panel.locator("tbody tr")).to_have_count(100)
    expect(panel.locator("tbody tr").nth(2)).to_contain_text("holiday")
    panel.get_by_role("button", name="Later").click()
    expect(panel.locator("tbody tr")).to_have_count(30)
    expect(panel).to_contain_text("101 to 130")
    panel.get_by_role("button", name="Earlier").press("Enter")
    expect(panel.locator("tbody tr")).to_have_count(100)


def test_numbers_are_a_line_that_the_arrow_keys_walk(page: Page, yard: Shop) -> None:
    panel = result(page, yard, "numbers")
    line = panel.get_by_role("slider", name="between 0 and 100")
    expect(panel).to_contain_text("#300: 54")
    line.focus()
    page.keyboard.press("Home")
    expect(panel).to_contain_text("#1: 0")
    page.keyboard.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuetext", "#2: 37")


def test_a_dict_is_a_tree_and_its_lists_can_be_looked_at_alone(page: Page, yard: Shop) -> None:
    panel = result(page, yard, "parts")
    expect(panel.locator(".json-tree").first).to_contain_text("v3")
    panel.get_by_role("button", name="rows (2)").click()
    expect(panel.get_by_role("columnheader")).to_have_text(["#", "a"])
    panel.get_by_role("button", name="values (3)").click()
    expect(panel.get_by_role("slider")).to_be_visible()
    panel.get_by_role("button", name="Whole").click()
    expect(panel.locator(".json-tree").first).to_be_visible()


def test_a_picture_is_shown_and_the_result_can_be_saved(page: Page, yard: Shop) -> None:
    panel = result(page, yard, "picture")
    expect(panel.get_by_role("img", name="The picture")).to_be_visible()
    expect(panel).to_contain_text(re.compile("image/png · 1 . 1"))
    with page.expect_download() as saved:
        panel.get_by_role("link", name="Save").click()
    assert saved.value.path().stat().st_size > 0
