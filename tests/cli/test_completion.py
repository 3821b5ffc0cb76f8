"""`queuemgr completion`: the scripts, and what they get when they ask."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from .conftest import ask, call, run


def completed(line: str) -> list[str]:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    done = run(environment={"_QUEUEMGR_COMPLETE": "bash_complete", **words})
    return [answer.partition(",")[2] for answer in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("queuemgr jo", ["jobs", "job"]),
        ("queuemgr jobs rel", ["release"]),
        ("queuemgr jobs list --st", ["--state", "--store"]),
        ("queuemgr jobs list --state s", ["scheduled", "succeeded"]),
        ("queuemgr completion f", ["fish"]),
    ],
)
def test_verbs_options_and_states_are_completed(line: str, answers: list[str]) -> None:
    assert completed(line) == answers


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script_that_it_understands(shell: str) -> None:
    script = call("completion", shell).stdout
    assert "_QUEUEMGR_COMPLETE" in script
    assert ask("completion", shell) == {"shell": shell, "script": script.removesuffix("\n")}
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True, capture_output=True)


def test_the_shell_in_use_is_taken_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert call("completion").stdout == call("completion", "zsh").stdout


def test_a_shell_that_is_not_known_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    result = call("completion")
    assert result.exit_code == 2
    assert "bash, zsh, fish" in result.stderr
    assert call("completion", "tcsh").exit_code == 2
