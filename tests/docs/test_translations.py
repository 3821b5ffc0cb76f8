"""A page and its translation say the same things in the same order. How well they say them is for people to judge."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks_of, headings_of, links_of, name_of, prose_of

TRANSLATED = [page for page in PAGES if page.name.endswith(".ru.md")]


def _original(page: Path) -> Path:
    return page.with_name(page.name.replace(".ru.md", ".md"))


def test_there_are_translations() -> None:
    assert {name_of(page) for page in TRANSLATED} >= {"README.ru.md", "docs/first-steps.ru.md"}


@pytest.mark.parametrize("page", TRANSLATED, ids=name_of)
def test_a_translation_has_the_headings_of_its_original(page: Path) -> None:
    assert [level for level, _ in headings_of(page)] == [level for level, _ in headings_of(_original(page))]


@pytest.mark.parametrize("page", TRANSLATED, ids=name_of)
def test_a_translation_has_the_examples_of_its_original(page: Path) -> None:
    blocks, originals = blocks_of(page), blocks_of(_original(page))
    assert [(block.language, block.text) for block in blocks] == [(block.language, block.text) for block in originals]


@pytest.mark.parametrize("page", TRANSLATED, ids=name_of)
def test_a_translation_has_the_tables_of_its_original(page: Path) -> None:
    assert _rows(page) == _rows(_original(page))


@pytest.mark.parametrize("page", TRANSLATED, ids=name_of)
def test_a_translation_leads_where_its_original_leads(page: Path) -> None:
    assert _targets(page) == _targets(_original(page))


@pytest.mark.parametrize("page", TRANSLATED, ids=name_of)
def test_a_translation_is_in_its_own_language(page: Path) -> None:
    text = "".join(line for _, line in prose_of(page))
    letters = [letter for letter in text if letter.isalpha()]
    assert sum("CYRILLIC" in unicodedata.name(letter) for letter in letters) > len(letters) / 2


def _rows(page: Path) -> list[int]:
    """The number of columns in each row of a table."""
    return [line.count("|") for _, line in prose_of(page) if line.startswith("|")]


def _targets(page: Path) -> list[Path]:
    """Files, with the originals in the place of translations; the two versions lead to one another."""
    files = ((page.parent / target).resolve() for _, target in links_of(page))
    originals = (_original(file) if file.name.endswith(".ru.md") else file for file in files)
    return [file for file in originals if file != ROOT / "README.md"]
