"""Every link in the documentation leads somewhere. Pages elsewhere are not visited."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, anchors_of, headings_of, links_of, name_of


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_a_file_and_a_heading_that_there_are(page: Path) -> None:
    broken = [f"line {line}: {target}" for line, target in links_of(page) if not _leads_somewhere(page, target)]
    assert broken == []


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_a_page_is_reached_from_the_readme_of_its_language(page: Path) -> None:
    readme = ROOT / ("README.ru.md" if page.name.endswith(".ru.md") else "README.md")
    assert page in {(ROOT / target.partition("#")[0]).resolve() for _, target in links_of(readme)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_begins_with_its_only_title_and_skips_no_level(page: Path) -> None:
    levels = [level for level, _ in headings_of(page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))


def _leads_somewhere(page: Path, target: str) -> bool:
    if target.startswith(("https://", "mailto:")):
        return True
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.is_file():
        return False
    return not anchor or anchor in anchors_of(file)
