"""What goes wrong is told in one line with a next step and an exit code, and never as a traceback."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from queuemgr import errors
from queuemgr.service import failures
from queuemgr.service.cli.exits import MEANINGS, code_of
from queuemgr.service.cli.views.access import audit_page

from .conftest import Shop, call, run

CODES = {
    errors.ConfigError("x"): 2,
    errors.UnknownOption("x"): 2,
    errors.BadSchedule("x"): 2,
    errors.BadArguments("x"): 2,
    errors.EncodingError("x"): 2,
    failures.Misused("x"): 2,
    errors.JobNotFound("x"): 3,
    errors.UnknownTask("x"): 3,
    failures.NotFound("x"): 3,
    errors.JobExists("key", "id"): 4,
    errors.Unsupported("x"): 4,
    failures.NotAllowed("x"): 4,
    errors.StoreUnavailable("x"): 5,
    errors.ForeignStore("x"): 5,
    errors.CorruptStore("x"): 5,
    failures.NoStore("x"): 5,
    errors.ResultTimeout("x"): 124,
    errors.ResultError("x"): 1,
    ValueError("x"): 1,
}


@pytest.mark.parametrize(("error", "code"), CODES.items(), ids=lambda one: type(one).__name__)
def test_every_kind_of_error_has_its_code(error: Exception, code: int) -> None:
    assert code_of(error) == code
    assert code in MEANINGS


def test_without_any_store_the_ways_to_name_one_are_told(tmp_path: Path) -> None:
    result = call("jobs", "list")
    assert result.exit_code == 5
    assert result.stdout == ""
    assert str(tmp_path) in result.stderr
    for way in ("--store", "--app", "QUEUEMGR_STORE", "QUEUEMGR_APP"):
        assert way in result.stderr


@pytest.mark.parametrize("verb", ["jobs list", "queues list", "store info", "monitor --once", "jobs retry --all --yes"])
def test_looking_creates_no_store(verb: str, tmp_path: Path) -> None:
    result = call(*verb.split(), "--store", "sqlite:///new.db")
    assert result.exit_code == 5
    assert "there is no store at" in result.stderr
    assert [*tmp_path.iterdir()] == []


def test_with_json_an_error_is_an_object_on_stderr(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    result = call("jobs", "show", "nope", "--store", shop.url, "--json")
    assert result.exit_code == 3
    assert result.stdout == ""
    told = json.loads(result.stderr)["error"]
    assert told["type"] == "JobNotFound"
    assert "'nope'" in told["message"]
    assert told["hint"] == f"queuemgr jobs list --store {shop.url}"


@pytest.mark.parametrize("words", [["history", "nope"], ["alerts", "add", "nope > 1"]], ids=" ".join)
def test_a_wrong_value_is_told_in_a_sentence(shop: Shop, words: list[str]) -> None:
    shop.task("add").enqueue(1, 2)
    result = call(*words, "--store", shop.url)
    assert result.exit_code == 2
    assert result.stderr.startswith("queuemgr: there is no metric 'nope': known: avg_latency, ")


def test_wrong_usage_is_an_object_as_well() -> None:
    result = call("jobs", "lst", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stderr)["error"]["type"] == "UsageError"


def test_an_unknown_kind_of_store_is_wrong_usage() -> None:
    result = call("jobs", "list", "--store", "sqlit:///x.db")
    assert result.exit_code == 2
    assert "did you mean 'sqlite'?" in result.stderr


def test_a_file_that_is_no_database_is_a_store_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear reader, " * 100)
    result = call("jobs", "list", "--store", "sqlite:///letter.db")
    assert result.exit_code == 5
    assert "letter.db" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE queuemgr_jobs (mine)")
    connection.close()
    before = (tmp_path / "other.db").read_bytes()
    result = call("queues", "list", "--store", "sqlite:///other.db")
    assert result.exit_code == 5
    assert (tmp_path / "other.db").read_bytes() == before


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nowhere_to_be_found", "No module named 'nowhere_to_be_found'"),
        ("x = 1 / 0", "line 1"),
        ("def f(:\n", "SyntaxError"),
        ("y = 3", "has no App"),
    ],
)
def test_an_app_that_cannot_be_imported_says_why(code: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(code)
    done = run("tasks", "list", "--app", "broken:app")
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_the_variable_for_debugging_shows_where_an_error_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUEMGR_DEBUG", "1")
    result = call("jobs", "list")
    assert result.exit_code == 5
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-3].startswith("queuemgr: ")


def test_an_error_of_queuemgr_itself_is_shown_with_its_place(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("an error in the program")

    shop.task("add").enqueue(1, 2)
    monkeypatch.setattr("queuemgr.service.operations.jobs.list_jobs", broken)
    result = call("jobs", "list", "--store", shop.url)
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1] == "queuemgr: an unexpected ZeroDivisionError: an error in the program"


def test_the_audit_list_tells_why_a_change_was_refused(shop: Shop) -> None:
    assert call("enqueue", f"{shop.module}.add", "1", "two", "--app", shop.path).exit_code == 2
    assert call("enqueue", f"{shop.module}.add", "--app", shop.path).exit_code == 2
    told = call("audit", "--app", shop.path).stdout
    assert "missing a required argument" in told
    assert "must be int, not str" in told
    assert "'two'" not in told


def test_a_refusal_whose_reason_may_hold_a_secret_is_told_by_its_kind_alone() -> None:
    outcome = {"ok": False, "error": "EncodingError", "message": ""}
    entry = {"at": 1e9, "who": "ann", "address": None, "via": "cli", "operation": "jobs.enqueue", "arguments": {}}
    assert "failed: EncodingError" in repr(audit_page({"entries": [entry | {"outcome": outcome}], "after": None}))
