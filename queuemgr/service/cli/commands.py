"""Verbs and groups of verbs as click commands: loaded when they are called, with the nearest name for a wrong one."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from queuemgr.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+")
USUAL_PAUSE = "2"


class Verb(click.Command):
    """`--watch` may stand alone or before a number of seconds."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if any(parameter.name == "watch" for parameter in self.params):
            args = _with_pause(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _unknown_option(error, ctx) from None


class VerbGroup(click.Group):
    """`lazy` maps a verb to where it is, `module:name` in this package, and to a line of help."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]] | None = None, **settings: Any) -> None:
        super().__init__(*args, **{"subcommand_metavar": "VERB ..."} | settings)
        self._lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        return [*self._lazy, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, name = self._lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"{__package__}.{module}"), name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _unknown_option(error, ctx) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"there is no verb {args[0]!r}: {did_you_mean(args[0], known)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - same
        """As usual, but without loading anything."""
        rows = [(name, line) for name, (_, line) in self._lazy.items()]
        rows += [(name, command.get_short_help_str(100)) for name, command in self.commands.items()]
        with formatter.section("Verbs"):
            formatter.write_dl(rows)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)


def _with_pause(args: list[str]) -> list[str]:
    done: list[str] = []
    waiting = list(args)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return [*done, word, *waiting]
        if word in ("--watch", "-w"):
            pause = waiting.pop(0) if waiting and _NUMBER.fullmatch(waiting[0]) else USUAL_PAUSE
            word = f"--watch={pause}"
        done.append(word)
    return done


def _unknown_option(error: click.NoSuchOption, ctx: click.Context) -> click.UsageError:
    wrong = error.option_name
    known = {option for parameter in ctx.command.get_params(ctx) for option in parameter.opts if option[0] == "-"}
    near = did_you_mean(wrong, known)
    if _NUMBER.fullmatch(wrong.lstrip("-")):
        near = "write -- before arguments that begin with a minus"
    elif near.startswith("known"):
        near = "those of a verb stand behind it" if isinstance(ctx.command, VerbGroup) else "none is like it"
    return click.UsageError(f"there is no option {wrong!r}: {near}", ctx)
