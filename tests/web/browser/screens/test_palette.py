"""The palette finds places, jobs and actions by a few letters, with the keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser.rig import Shop, visit

pytestmark = pytest.mark.needs("chromium")


def summon(page: Page, typed: str) -> None:
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Go to, or do")).to_be_focused()
    page.keyboard.type(typed)


def test_a_few_letters_lead_to_a_screen(page: Page, yard: Shop) -> None:
    visit(page, yard, "overview")
    summon(page, "sched")
    expect(page.get_by_role("option").first).to_have_text(re.compile("Schedules"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/schedules"))
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_queue_is_paused_and_its_dead_jobs_are_looked_at_before_they_run(page: Page, yard: Shop) -> None:
    yard.enqueue("yard.waits", queue="spoken")
    visit(page, yard, "jobs")
    summon(page, "paus spok")
    expect(page.get_by_role("option", name="Pause queue spoken")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Queue spoken is paused")).to_be_visible()
    summon(page, "dead payments")
    expect(page.get_by_role("option", name="Retry all dead of payments")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Will retry 2 jobs")
    page.keyboard.press("Escape")


def test_the_arrows_choose_and_escape_leaves(page: Page, yard: Shop) -> None:
    visit(page, yard, "overview")
    summon(page, "")
    field = page.get_by_role("combobox", name="Go to, or do")
    first = field.get_attribute("aria-activedescendant")
    page.keyboard.press("ArrowDown")
    expect(field).not_to_have_attribute("aria-activedescendant", first or "")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option").last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_job_is_opened_by_its_id_and_other_words_are_looked_for(page: Page, yard: Shop) -> None:
    job = yard.job("state=dead&queue=mail")["id"]
    visit(page, yard, "overview")
    summon(page, job)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="yard.send")).to_be_visible()
    summon(page, "qqzz")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=qqzz"))


def test_tasks_schedules_colours_and_language_are_there_too(page: Page, yard: Shop) -> None:
    body = {"rule": "every 1h", "zone": "UTC", "missed": "once", "task": "yard.tidy", "options": {"queue": "tidy"}}
    yard.ask("PUT", "/api/v1/schedules/summoned", body)
    visit(page, yard, "overview")
    summon(page, "yard.char")
    expect(page.get_by_role("option", name="Jobs of yard.charge")).to_be_visible()
    page.get_by_role("combobox", name="Go to, or do").fill("run summoned")
    page.get_by_role("option", name="Run summoned now").click()
    expect(page.get_by_role("status").filter(has_text="summoned runs now")).to_be_visible()
    summon(page, "русский")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Обзор")).to_be_visible()
