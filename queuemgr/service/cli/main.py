"""The command `queuemgr`: its verbs, and how every error becomes one line and an exit code. It does no work itself.

Nothing but click is imported for `--help`: each verb is loaded when it is called.
"""

from __future__ import annotations

import os
import sys
from shlex import join
from typing import TYPE_CHECKING, Any, NoReturn

import click

from queuemgr import __version__
from queuemgr.errors import QueuemgrError
from queuemgr.service.failures import hint_of, message_of

from .commands import VerbGroup
from .exits import EPILOG, FAILED, INTERRUPTED, OK, PIPE_CLOSED, code_of

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "worker": ("worker:worker", "Run jobs until stopped."),
    "enqueue": ("enqueue:enqueue", "Ask for a task to be run."),
    "jobs": ("jobs.group:jobs", "Look at jobs, wait for them, retry, cancel, delete them."),
    "why": ("why:why", "Why a job is where it is, and what comes next."),
    "failures": ("failures:failures", "Dead jobs, grouped by what they have in common."),
    "queues": ("queues:queues", "List, pause, resume, limit and empty queues."),
    "schedules": ("schedules:schedules", "List, add, change, pause, run, preview and remove schedules."),
    "workers": ("workers:workers", "List workers; let them be quiet, go on, stop."),
    "tasks": ("tasks:tasks", "List the tasks."),
    "monitor": ("monitor.verb:monitor", "Follow everything on one screen."),
    "store": ("store:store", "What the store holds; forget what is over; move to another store."),
    "service": ("service:service", "Start and stop the service, and look at it."),
    "job": ("job.group:job", "The service's jobs of job classes."),
    "metrics": ("history:metrics", "Rates, failures, waits and load in the last minute."),
    "history": ("history:history", "The same over the last hours and days."),
    "alerts": ("alerts:alerts", "Look at alerts; add, remove and silence rules."),
    "token": ("token:token", "Make, list and remove tokens for the page and the API."),
    "audit": ("audit:audit", "What was changed, by whom and when."),
    "web": ("web:web", "Serve the page and the API."),
    "mcp": ("mcp:mcp", "Let agents look at the queue."),
    "demo": ("demo:demo", "Show a queue at work, crashes included."),
    "completion": ("completion:completion", "Print the completion script for a shell."),
    "version": ("version:version", "Print the version."),
}


class Root(VerbGroup):
    """Turns whatever a verb does or raises into an exit code."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        words = [_readable(word) for word in (sys.argv[1:] if args is None else args)]
        _let_every_text_be_printed()
        extra["standalone_mode"] = False
        try:
            code = super().main(words, prog_name or "queuemgr", **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help())
            code = error.exit_code
        except click.Abort:
            click.echo("queuemgr: interrupted", err=True)
            code = INTERRUPTED
        except Exception as error:
            code = _tell(error, words)
        sys.exit(code if isinstance(code, int) else OK)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)
        except BrokenPipeError:
            _forget_stdout()
            raise click.exceptions.Exit(PIPE_CLOSED) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _forget_stdout()
            return PIPE_CLOSED
        return code


@click.group(
    "queuemgr",
    cls=Root,
    lazy=VERBS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--store", metavar="URL", help="The store, for example sqlite:///jobs.db")
@click.option("--app", metavar="MODULE:APP", help="The program that has the tasks.")
@click.version_option(__version__, message="queuemgr %(version)s")
def main(**_named: Any) -> None:
    """A job queue: ask for work now, have it done by workers, lose nothing.

    \b
    The store is found by --store URL, --app MODULE:APP, the environment
    (QUEUEMGR_STORE, QUEUEMGR_APP) or a file queuemgr.db in the current folder.
    """


def _readable(word: str) -> str:
    """In a locale that does not know its letters, a word arrives with its bytes hidden in it."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return os.fsencode(word).decode("utf-8", "replace")
    return word


def _tell(error: Exception, words: Sequence[str]) -> int:
    """Print what went wrong and the next step; the exit code."""
    expected = isinstance(error, (click.ClickException, QueuemgrError))
    if not expected or os.environ.get("QUEUEMGR_DEBUG"):
        import traceback

        traceback.print_exception(error)
    message = _message_of(error) if expected else f"an unexpected {type(error).__name__}: {error}"
    hint = _with_place(hint_of(error), words) or _usage_hint(error)
    if "--json" in words:
        import json

        told = {"type": type(error).__name__, "message": message, "hint": hint or None}
        click.echo(json.dumps({"error": told}), err=True)
    else:
        click.echo("\n".join([f"queuemgr: {message}", *(f"  {line}" for line in hint.splitlines())]), err=True)
    return code_of(error) if expected else FAILED


def _message_of(error: Exception) -> str:
    return error.format_message() if isinstance(error, click.ClickException) else message_of(error)


def _with_place(hint: str, words: Sequence[str]) -> str:
    """A command that can be copied, with the options that named the store."""
    if not hint.startswith("queuemgr "):
        return hint
    places = {"--store", "--app", "--proc-dir", "--config"}
    named = [one for at, one in enumerate(words) if {one, words[at - 1]} & places]
    first, *rest = hint.split("\n")
    return "\n".join([f"{first} {join(named)}".rstrip(), *rest])


def _usage_hint(error: Exception) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see: {context.command_path} --help" if context else ""


def _let_every_text_be_printed() -> None:
    """In a locale that lacks a character, it is spelled out; nothing that a job said may stop a command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """Whoever read it has gone: what is still buffered goes nowhere, without a word at the interpreter's exit."""
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
