"""`queuemgr store migrate`: what it says of a store that is behind, up to date, too new, or looks after itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from queuemgr.app import STORES
from queuemgr.errors import NewerStore

from .conftest import Shop, ask, call

URL = "fake://server/jobs"
NEEDED = 3


class FakeStore:
    """A store whose tables are brought up to date on purpose. It holds no jobs."""

    version = 0

    def __init__(self, url: str, clock: object) -> None:
        del clock
        self.url = url

    async def open(self) -> None:
        raise AssertionError("a store that is behind refuses to be opened")

    async def close(self) -> None: ...

    async def schema(self) -> tuple[int, int]:
        return FakeStore.version, NEEDED

    async def migrate(self) -> tuple[int, int]:
        if FakeStore.version > NEEDED:
            raise NewerStore(f"{self.url} was written by a newer queuemgr")
        before, FakeStore.version = FakeStore.version, NEEDED
        return before, NEEDED


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("queuemgr.app.STORES", STORES | {"fake": f"{__name__}:FakeStore"})
    monkeypatch.setattr(FakeStore, "version", 1)


def test_a_store_that_is_behind_is_brought_up_to_date() -> None:
    result = call("store", "migrate", URL)
    assert (result.exit_code, result.stdout) == (0, f"{URL} was brought from version 1 to 3\n")
    result = call("store", "migrate", "--store", URL)
    assert (result.exit_code, result.stdout) == (0, f"{URL} is up to date, at version 3\n")


def test_a_check_changes_nothing_and_tells_by_its_exit_code() -> None:
    result = call("store", "migrate", URL, "--check")
    assert (result.exit_code, result.stdout) == (1, f"{URL} is at version 1 and has to be brought to 3\n")
    assert FakeStore.version == 1
    call("store", "migrate", URL)
    result = call("store", "migrate", URL, "--check")
    assert (result.exit_code, result.stdout) == (0, f"{URL} is up to date, at version 3\n")


def test_a_check_proposes_the_command_to_go_on_with(terminal: None) -> None:
    assert f"queuemgr store migrate --store {URL}" in call("store", "migrate", URL, "--check").stdout


def test_migrating_answers_in_json() -> None:
    facts = {"url": URL, "before": 1, "after": 3}
    assert ask("store", "migrate", URL, "--check", code=1) == {**facts, "needed": True, "migrated": False}
    assert ask("store", "migrate", URL) == {**facts, "needed": False, "migrated": True}
    assert ask("store", "migrate", URL) == {**facts, "before": 3, "needed": False, "migrated": False}


@pytest.mark.parametrize("more", [[], ["--check"]])
def test_a_store_of_a_newer_version_is_left_alone(more: list[str]) -> None:
    FakeStore.version = 4
    result = call("store", "migrate", URL, *more)
    assert result.exit_code == 5
    assert "newer" in result.stderr or "update queuemgr here" in result.stderr


@pytest.mark.parametrize("more", [[], ["--check"]])
def test_the_embedded_store_says_that_it_needs_none(shop: Shop, more: list[str]) -> None:
    shop.task("add").enqueue(1, 2)
    result = call("store", "migrate", shop.url, *more)
    assert result.exit_code == 0
    assert result.stdout == f"{shop.url} needs no migration: whoever opens it brings it up to date\n"
    assert call("store", "migrate", "--app", shop.path, *more).stdout == result.stdout
    assert ask("store", "migrate", shop.url, *more)["before"] is None


@pytest.mark.parametrize("more", [[], ["--check"]])
def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, more: list[str]) -> None:
    result = call("store", "migrate", "sqlite:///nothing.db", *more)
    assert result.exit_code == 5
    assert "there is no store at" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_password_is_told() -> None:
    for url in ("fake://ann:s%40cret@server/jobs", "fake://server/jobs?user=ann&sslpassword=s%40cret&a=b"):
        result = call("store", "migrate", url)
        assert "s%40cret" not in result.stdout + result.stderr
        assert "server/jobs" in result.stdout


def test_a_server_is_brought_up_to_date_on_purpose(postgres_url: str) -> None:
    url = f"{postgres_url}&migrate=manual"
    assert ask("store", "migrate", url, "--check", code=1)["before"] == 0
    result = call("store", "info", "--store", url)
    assert (result.exit_code, "queuemgr store migrate" in result.stderr) == (5, True)
    done = ask("store", "migrate", url)
    assert (done["before"], done["migrated"]) == (0, True)
    assert done["after"] >= 1
    assert ask("store", "migrate", url, "--check") == {**done, "before": done["after"], "migrated": False}
    assert ask("store", "info", "--store", url)["jobs"] == 0
