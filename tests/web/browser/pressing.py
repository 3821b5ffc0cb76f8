"""Finds its way on the page as somebody does who has nothing but a keyboard. Holds no test."""

from __future__ import annotations

from playwright.sync_api import Page, expect

FOCUSED = """() => {
    const one = document.activeElement;
    if (!one.matches("a, button, input, select, textarea, summary, [role]")) return "";
    const told = [one.getAttribute("aria-label"), one.title, one.labels?.[0]?.textContent, one.textContent];
    return told.filter(Boolean).join(" ");
}"""


def press(page: Page, *names: str) -> None:
    for name in names:
        page.keyboard.press(name)


def to_screen(page: Page, letter: str, title: str) -> None:
    heading = page.get_by_role("heading", level=1)
    press(page, "g", letter)
    try:
        expect(heading).to_have_text(title, timeout=3000)
    except AssertionError:
        # On a busy machine the second key may come too late for the first one.
        press(page, "g", letter)
        expect(heading).to_have_text(title)
    expect(page.locator(".loading")).to_have_count(0)


def tab_to(page: Page, name: str, most: int = 80) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if name in page.evaluate(FOCUSED):
            return
    raise AssertionError(f"{most} tabs do not lead to {name!r}")


def down_to(page: Page, name: str) -> None:
    """To the row of that name, by `j`."""
    expect(page.locator("tbody tr", has_text=name).first).to_be_visible()
    for _ in range(30):
        page.keyboard.press("j")
        if name in page.evaluate("() => document.activeElement.closest('tr')?.textContent ?? ''"):
            return
    raise AssertionError(f"no row says {name!r}")
