"""`queuemgr token` and `queuemgr audit`, and every command that changes something is written down."""

from __future__ import annotations

import ast
import json
import os
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from queuemgr.service.access.terminal import this_person
from queuemgr.service.access.tokens import Tokens
from queuemgr.service.cli.main import main
from queuemgr.service.operations import table
from tests.host.rig import Service

CLI = Path(table.__file__).parents[1] / "cli"
STORE = ("--store", "sqlite:///jobs.db")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("QUEUEMGR_STORE", "QUEUEMGR_APP", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QUEUEMGR_TOKEN_FILE", str(tmp_path / "state" / "tokens.json"))


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def told(*words: str, code: int = 0) -> Any:
    result = call(*words, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def audited() -> list[dict[str, Any]]:
    """The entries, the oldest first."""
    entries: list[dict[str, Any]] = told("audit", "-n", "500", *STORE)["entries"]
    return entries[::-1]


def test_a_token_is_shown_once_and_alone_so_that_a_script_can_take_it(tmp_path: Path) -> None:
    added = call("token", "add", "grafana", "--scope", "read", "--expires", "90d", "--limit", "60")
    assert added.exit_code == 0
    secret = added.stdout.strip()
    assert "the only time" in added.stderr
    found = Tokens(tmp_path / "state" / "tokens.json").find(secret)
    assert found is not None
    assert (found.name, found.scope, found.limit) == ("grafana", "read", 60)
    assert found.expires_at == pytest.approx(found.created_at + 90 * 86400)
    for words in (("token", "list"), ("token", "list", "--json"), ("token", "remove", "grafana")):
        assert secret not in call(*words).output
    assert Tokens(tmp_path / "state" / "tokens.json").find(secret) is None


def test_tokens_are_listed_with_what_they_allow() -> None:
    assert "open to this machine alone" in call("token", "list").output
    told("token", "add", "ann", "--scope", "administer")
    (token,) = told("token", "list")["tokens"]
    assert {name: token[name] for name in ("name", "scope", "expires_at", "expired", "limit")} == {
        "name": "ann",
        "scope": "administer",
        "expires_at": None,
        "expired": False,
        "limit": None,
    }
    assert call("token", "list").output.splitlines()[1].split()[:2] == ["ann", "administer"]


def test_another_file_is_used_where_it_is_named(tmp_path: Path) -> None:
    told("token", "add", "ann", "--token-file", "mine.json")
    assert [token.name for token in Tokens(tmp_path / "mine.json").all()] == ["ann"]
    assert told("token", "list")["tokens"] == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("token", "add", "a b"), 2, "no name for a token"),
        (("token", "add", "ann", "--scope", "root"), 2, "root"),
        (("token", "add", "ann", "--expires", "soon"), 2, "no duration"),
        (("token", "add", "taken"), 4, "already"),
        (("token", "remove", "nobody"), 3, "no token 'nobody'"),
        (("audit", "--after", "-1", *STORE), 2, "no number of an entry"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_next_step(words: tuple[str, ...], code: int, said: str) -> None:
    call("token", "add", "taken")
    call("enqueue", "shop.add", *STORE)
    result = call(*words)
    assert result.exit_code == code, result.output
    assert said in result.stderr


def test_tokens_are_written_down_where_a_store_is_known_and_need_none() -> None:
    call("enqueue", "shop.add", *STORE)
    secret = told("token", "add", "ann", *STORE)["secret"]
    call("token", "add", "ann", *STORE)
    told("token", "remove", "ann", *STORE)
    entries = audited()[1:]
    assert [(one["operation"], one["outcome"]["ok"]) for one in entries] == [
        ("tokens.add", True),
        ("tokens.add", False),
        ("tokens.remove", True),
    ]
    assert secret not in str(entries)


def test_whoever_types_is_named_by_user_and_host() -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    assert this_person().name == f"{user}@{socket.gethostname()}"
    call("enqueue", "shop.add", *STORE)
    (entry,) = audited()
    assert (entry["who"], entry["via"], entry["address"]) == (this_person().name, "cli", None)


CHANGES: list[tuple[tuple[str, ...], str]] = [
    (("enqueue", "shop.add", "1", "card=4111"), "jobs.enqueue"),
    (("jobs", "hold", "last"), "jobs.change"),
    (("jobs", "release", "--all", "--yes"), "jobs.change_matching"),
    (("queues", "pause", "default"), "queues.pause"),
    (("queues", "resume", "default"), "queues.resume"),
    (("queues", "drain", "default", "--yes"), "queues.drain"),
    (("schedules", "add", "nightly", "0 3 * * *", "shop.clean"), "schedules.add"),
    (("schedules", "pause", "nightly"), "schedules.pause"),
    (("schedules", "resume", "nightly"), "schedules.pause"),
    (("schedules", "run", "nightly"), "schedules.run"),
    (("schedules", "remove", "nightly"), "schedules.remove"),
    (("store", "prune"), "store.prune"),
]


def test_every_command_that_changes_something_is_written_down_once() -> None:
    for words, _ in CHANGES:
        assert call(*words, *STORE).exit_code == 0, words
    entries = audited()
    assert [one["operation"] for one in entries] == [operation for _, operation in CHANGES]
    assert all(one["outcome"]["ok"] for one in entries)
    assert "4111" not in str([one["arguments"] for one in entries])
    assert entries[3]["arguments"]["names"] == ["default"]


def test_what_only_looks_is_not_written_down_and_neither_is_a_dry_run() -> None:
    call("enqueue", "shop.add", *STORE)
    for words in (
        ("jobs", "list"),
        ("jobs", "cancel", "--all", "--dry-run"),
        ("queues", "drain", "default", "--dry-run"),
    ):
        assert call(*words, *STORE).exit_code == 0
    assert [one["operation"] for one in audited()] == ["jobs.enqueue"]


def test_a_command_that_fails_is_written_down_as_failed() -> None:
    call("enqueue", "shop.add", *STORE)
    assert call("queues", "pause", "nobody", *STORE).exit_code == 3
    entry = audited()[-1]
    assert (entry["operation"], entry["outcome"]["error"]) == ("queues.pause", "NotFound")


def test_the_list_is_shown_newest_first_and_page_by_page() -> None:
    for n in range(5):
        call("enqueue", "shop.add", str(n), *STORE)
    first = told("audit", "-n", "3", *STORE)
    assert [one["number"] for one in first["entries"]] == [5, 4, 3]
    second = told("audit", "-n", "3", "--after", str(first["after"]), *STORE)
    assert [one["number"] for one in second["entries"]] == [2, 1]
    assert second["after"] is None
    lines = call("audit", *STORE).output.splitlines()
    assert len(lines) == 6
    assert "jobs.enqueue" in lines[1]


def _functions_called(path: Path) -> Iterator[tuple[str, str]]:
    """What a module calls by a name that it imported: (module, function), also under another name."""
    tree = ast.parse(path.read_text())
    known = {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
            yield known[node.func.id]


def test_no_command_goes_past_the_list() -> None:
    """Whatever changes something is given to `Connection.ask`, which writes it down, and is not called directly."""
    changing = {
        (one.function.__module__, one.function.__name__)
        for one in table.OPERATIONS.values()
        if one.changes and "tokens" not in one.given
    }
    assert ("queuemgr.service.operations.queues", "pause_queues") in changing
    past = [(str(path.relative_to(CLI)), *call) for path in CLI.rglob("*.py") for call in _functions_called(path)]
    assert len(past) > 100
    assert [one for one in past if one[1:] in changing] == []


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path).begin()
    yield made
    made.close()


def test_commands_to_the_service_are_written_down_there_and_programs_are_not(service: Service) -> None:
    folder = ("--proc-dir", service.config.proc_dir)
    params = json.dumps({"value": "4111", "path": str(service.note())})
    assert call("job", "add", "tests.host.jobs_for_tests.Echo", "one", params, *folder).exit_code == 0
    assert call("job", "status", "one", *folder).exit_code == 0
    assert call("job", "purge", "nobody", *folder).exit_code == 3
    service.add("Echo", "two", start=False)
    entries = service.ask("audit.list")["entries"]
    assert [(one["operation"], one["outcome"]["ok"], one["who"]) for one in entries] == [
        ("job.purge", False, this_person().name),
        ("job.add", True, this_person().name),
    ]
    assert entries[1]["arguments"]["params"] == ["value", "path"]
    assert "4111" not in str(entries)
