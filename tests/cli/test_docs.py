"""docs/cli.md and the commands say the same: verbs, options, codes and keys."""

from __future__ import annotations

import re

import click
import pytest

from queuemgr.service.cli.exits import MEANINGS
from queuemgr.service.cli.main import main

from .conftest import ROOT
from .test_calling import COMMANDS

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
EVERYWHERE = {"--help", "--json", "--store", "--app"}


def command_of(words: list[str]) -> click.Command:
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return command


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_verb_is_on_the_page(words: list[str]) -> None:
    group, verb = words[0], words[-1]
    assert re.search(rf"`?(queuemgr )?{' '.join(words)}\b|`{group} \w+`.*`{verb}`", PAGE)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_is_on_the_page(words: list[str]) -> None:
    for parameter in command_of(words).params:
        if isinstance(parameter, click.Option):
            told = [name for name in parameter.opts if name in EVERYWHERE or re.search(rf"{name}\b", PAGE)]
            assert told, f"{' '.join(words)} {parameter.opts}"


def test_no_option_on_the_page_is_unknown() -> None:
    known = {name for words in COMMANDS for parameter in command_of(words).params for name in parameter.opts}
    known |= EVERYWHERE
    told = re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)
    assert {option for option in told if option not in known} == set()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_what_can_be_watched_is_told_where_watching_is(words: list[str]) -> None:
    told = re.findall(r"`(\w+)`", PAGE.partition("`--watch [S]` with ")[2].partition(" shows ")[0])
    watched = any("--watch" in parameter.opts for parameter in command_of(words).params)
    assert not watched or words[-1] in told


def test_every_exit_code_is_on_the_page_with_its_meaning() -> None:
    for code, meaning in MEANINGS.items():
        assert f"| {code} | {meaning.replace('--yes', '`--yes`')} |" in PAGE
