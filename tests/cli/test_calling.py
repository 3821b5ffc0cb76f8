"""How the command starts: fast, with help for every verb, and with a word for whoever mistypes one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from queuemgr import __version__
from queuemgr.service.cli.commands import VerbGroup
from queuemgr.service.cli.exits import MEANINGS
from queuemgr.service.cli.main import VERBS, main

from .conftest import call, environ, run

GROUPS = {
    "jobs": [
        *("list", "show", "arguments", "result", "logs", "wait", "retry", "rerun", "cancel", "delete", "hold"),
        *("release", "prioritise", "complete"),
    ],
    "queues": ["list", "pause", "resume", "limit", "drain", "purge"],
    "schedules": ["list", "add", "change", "pause", "resume", "run", "remove", "preview"],
    "workers": ["list", "quiet", "resume", "stop"],
    "tasks": ["list"],
    "alerts": ["list", "add", "remove", "silence"],
    "store": ["info", "prune", "copy", "migrate"],
    "service": ["start", "stop", "restart", "status", "reload", "config", "import"],
    "token": ["add", "list", "remove"],
    "job": [
        *("list", "add", "start", "stop", "restart", "delete", "purge", "status", "wait", "logs"),
        *("suspend", "resume", "inspect", "classes"),
    ],
}
COMMANDS = [[name] for name in VERBS if name not in GROUPS] + [
    [group, verb] for group, verbs in GROUPS.items() for verb in verbs
]
SLOW = ("rich", "asyncio", "sqlite3", "msgspec", "queuemgr.app", "json")


@pytest.mark.parametrize(
    "words", [["--help"], ["jobs", "--help"], ["jobs", "list", "--help"], ["jobs", "wait", "--help"]]
)
def test_help_loads_nothing_slow(words: list[str]) -> None:
    program = (
        "import sys\nfrom queuemgr.service.cli.main import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"print([name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], env=environ(), capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_help_names_every_verb_and_every_exit_code() -> None:
    text = call("--help").stdout
    for name in VERBS:
        assert f"\n  {name} " in text
    for code, meaning in MEANINGS.items():
        assert f"{code:>3}  {meaning}" in text


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_verb_has_help_and_answers_in_json(words: list[str]) -> None:
    result = call(*words, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: queuemgr {' '.join(words)}")
    assert "--json" in result.stdout


@pytest.mark.parametrize("group", GROUPS)
def test_the_verbs_of_a_group_are_all_known_here(group: str) -> None:
    context = main.make_context("queuemgr", [group, "--help"], resilient_parsing=True)
    command = main.get_command(context, group)
    assert isinstance(command, VerbGroup)
    assert command.list_commands(context) == GROUPS[group]


def test_the_line_of_help_in_a_list_is_no_longer_than_the_line() -> None:
    lines = call("--help").stdout.splitlines()
    verbs = lines[lines.index("Verbs:") + 1 : lines.index("Options:") - 1]
    assert len(verbs) == len(VERBS)


@pytest.mark.parametrize("words", [[], ["jobs"], ["queues"]], ids=repr)
def test_a_missing_verb_shows_the_help_and_is_wrong_usage(words: list[str]) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert "Verbs:" in result.stdout


@pytest.mark.parametrize(
    ("words", "hint", "see"),
    [
        (["worke"], "there is no verb 'worke': did you mean 'worker'?", "queuemgr --help"),
        (["jobs", "lst"], "there is no verb 'lst': did you mean 'list'?", "queuemgr jobs --help"),
        (["--vresion"], "there is no option '--vresion': did you mean '--version'?", "queuemgr --help"),
        (["jobs", "list", "--stat", "dead"], "'--stat': did you mean '--state'?", "queuemgr jobs list --help"),
        (["queues", "--stor", "x"], "'--stor': those of a verb stand behind it", "queuemgr queues --help"),
        (["--watch", "jobs", "list"], "'--watch': those of a verb stand behind it", "queuemgr --help"),
        (["jobs", "list", "--xyzzy"], "there is no option '--xyzzy': none is like it", "queuemgr jobs list --help"),
        (["jobs", "list", "--state", "daed"], "no state 'daed': did you mean 'dead'?", "queuemgr jobs list --help"),
        (["enqueue", "t", "-3"], "'-3': write -- before arguments that begin with a minus", "enqueue --help"),
    ],
)
def test_a_wrong_word_gets_the_nearest_right_one(words: list[str], hint: str, see: str) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert hint in result.stderr
    assert result.stderr.startswith("queuemgr: ")
    assert see in result.stderr.splitlines()[-1]


def test_the_version_is_told_by_verb_and_by_option() -> None:
    assert call("version").stdout == call("--version").stdout == f"queuemgr {__version__}\n"
    assert json.loads(call("version", "--json").stdout).keys() == {"queuemgr", "python", "sqlite"}


def test_python_m_queuemgr_is_the_same_command() -> None:
    done = run("version")
    assert (done.returncode, done.stdout) == (0, f"queuemgr {__version__}\n")


def test_the_store_may_be_named_before_the_verb(shop: object) -> None:
    assert call("--store", "sqlite:///shop.db", "enqueue", "t").exit_code == 0
    assert call("--store", "sqlite:///shop.db", "jobs", "list").exit_code == 0
