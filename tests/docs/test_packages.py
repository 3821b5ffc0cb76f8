"""What is built for others has what the pages promise, and the pages install that and nothing else. Builds nothing."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, links_of, name_of

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"].keys()
EXAMPLES = [*(ROOT / "queuemgr/examples").glob("[!_]*.py"), *(ROOT / "examples").rglob("*.py")]


def _text(page: Path) -> str:
    """Without the warning that names that command."""
    return page.read_text(encoding="utf-8").replace("`pip install queuemgr`", "")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_nobody_is_told_to_install_the_older_package_of_this_name(page: Path) -> None:
    assert re.findall(r"pip install ['\"]?queuemgr\S*", _text(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_extras_that_a_page_names_exist(page: Path) -> None:
    named = ",".join(re.findall(r"queuemgr\[([\w,]+)\]", _text(page)))
    assert {extra for extra in named.split(",") if extra} <= EXTRAS


def test_extras_that_messages_name_exist() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "queuemgr").rglob("*.py"))
    named = set(re.findall(r"pip install 'queuemgr\[(\w+)\]'", sources))
    assert {"redis", "postgres"} <= named <= EXTRAS


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_is_installed_on_some_page(extra: str) -> None:
    assert any(re.search(rf"\./queuemgr\[[\w,]*\b{extra}\b", page.read_text(encoding="utf-8")) for page in DOCS)


def test_the_source_distribution_has_all_that_the_pages_lead_to() -> None:
    included = [
        pattern.removeprefix("/") for pattern in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    ]
    linked = {(page.parent / target.partition("#")[0]).resolve() for page in PAGES for _, target in links_of(page)}
    named = {ROOT / name for page in PAGES for name in re.findall(r"\b(?:script|bench|examples)/\w+", _text(page))}
    needed = {path.relative_to(ROOT).parts[0] for path in linked | named if path.is_relative_to(ROOT) and path != ROOT}
    needed |= {"install.sh", "deploy", "requirements-dev.txt", "tests"}
    assert {name for name in needed if not any(fnmatch(name, pattern) for pattern in included)} == set()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_named_on_some_page(example: Path) -> None:
    assert any(re.search(rf"\b{example.stem}\b", page.read_text(encoding="utf-8")) for page in DOCS)


def test_every_program_that_measures_is_told_where_they_are() -> None:
    told = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "bench").glob("*.py") if f"`{path.name}`" not in told] == []


def test_every_licence_of_what_is_within_goes_along() -> None:
    licences = [path.relative_to(ROOT).as_posix() for path in (ROOT / "queuemgr").rglob("LICENSE*")]
    patterns = PROJECT["project"]["license-files"]
    assert licences
    assert [path for path in licences if not any(fnmatch(path, pattern) for pattern in patterns)] == []
    assert PROJECT["project"]["license"] == "MIT AND Apache-2.0"
