"""Which store a command speaks of: options before the environment, and both before a file in the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from queuemgr.service.failures import NoStore
from queuemgr.service.places import Place, find_place

from .conftest import Shop, ask, call

STORE, APP = "sqlite:///a.db", "shop:app"


@pytest.mark.parametrize(
    ("options", "environment", "found"),
    [
        ((STORE, None), {}, Place(STORE, None, ("--store", STORE))),
        ((None, APP), {}, Place(None, APP, ("--app", APP))),
        ((STORE, APP), {}, Place(STORE, APP, ("--store", STORE, "--app", APP))),
        ((STORE, None), {"QUEUEMGR_STORE": "sqlite:///b.db"}, Place(STORE, None, ("--store", STORE))),
        ((None, APP), {"QUEUEMGR_STORE": "sqlite:///b.db"}, Place(None, APP, ("--app", APP))),
        ((STORE, None), {"QUEUEMGR_APP": APP}, Place(STORE, APP, ("--store", STORE))),
        ((None, None), {"QUEUEMGR_STORE": STORE}, Place(STORE)),
        ((None, None), {"QUEUEMGR_APP": APP}, Place(None, APP)),
        ((None, None), {"QUEUEMGR_STORE": STORE, "QUEUEMGR_APP": APP}, Place(STORE, APP)),
    ],
)
def test_options_go_before_the_environment(
    options: tuple[str | None, str | None], environment: dict[str, str], found: Place, tmp_path: Path
) -> None:
    (tmp_path / "queuemgr.db").touch()
    assert find_place(*options, environment, tmp_path) == found


def test_a_file_of_the_usual_name_is_found_where_nothing_was_said(tmp_path: Path) -> None:
    (tmp_path / "queuemgr.db").touch()
    assert find_place(None, None, {}, tmp_path) == Place("sqlite:///queuemgr.db")


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoStore):
        find_place(None, None, {"QUEUEMGR_STORE": "", "QUEUEMGR_APP": ""}, tmp_path)


def test_the_usual_file_is_used_by_a_bare_command(make_shop: object, tmp_path: Path) -> None:
    shop: Shop = make_shop("queuemgr.db")  # type: ignore[operator]
    job = shop.task("add").enqueue(1, 2)
    assert [one["id"] for one in ask("jobs", "list")["jobs"]] == [job.id]


def test_the_environment_names_the_app(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUEMGR_APP", shop.path)
    assert {task["name"] for task in ask("tasks", "list")["tasks"]} == shop.app.tasks.names


def test_a_store_beside_an_app_is_where_its_jobs_go(shop: Shop) -> None:
    words = ("--store", "sqlite:///elsewhere.db", "--app", shop.path)
    document = ask("enqueue", f"{shop.module}.add", "1", "2", *words)
    assert [job["id"] for job in ask("jobs", "list", "--store", "sqlite:///elsewhere.db")["jobs"]] == [document["id"]]
    assert shop.app.client.count() == 0


def test_looking_at_a_known_store_imports_no_app(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.task("add").enqueue(1, 2)
    monkeypatch.setenv("QUEUEMGR_APP", "nowhere:app")
    assert call("jobs", "list", "--store", shop.url).exit_code == 0


def test_a_program_may_use_its_store_as_it_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "eager_shop.py").write_text(
        f"from queuemgr import App\n\napp = App('sqlite:///{tmp_path}/eager.db')\napp.client.limit('mail', 3)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (queue,) = ask("queues", "list", "--app", "eager_shop:app")["queues"]
    assert (queue["name"], queue["limit"]) == ("mail", 3)
