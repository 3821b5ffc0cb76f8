"""`queuemgr queues`: list, pause, resume, limit, drain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from queuemgr.service.failures import Misused

from .commands import Verb, VerbGroup
from .exits import FAILED, OK
from .session import about_store, agreed, watchable

if TYPE_CHECKING:
    from .session import Session


@click.group(cls=VerbGroup)
def queues() -> None:
    """List, pause, resume, limit and empty queues."""


@queues.command("list", cls=Verb)
@watchable
@about_store
def list_(session: Session, watch: float | None) -> None:
    """The queues with the number of their jobs in each state."""
    from queuemgr.service.operations.queues import list_queues

    from .views.queues import queues_page

    session.show(lambda it: list_queues(it.client), queues_page, watch)


@queues.command(cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("-y", "--yes", is_flag=True, help="Also queues that have no jobs and no workers yet.")
@about_store
def pause(session: Session, names: tuple[str, ...], yes: bool) -> None:
    """Let no job of these queues start until they are resumed. What runs goes on."""
    from queuemgr.service.operations.queues import pause_queues

    from .views.queues import paused_page

    session.show(lambda it: it.ask(pause_queues, names=names, new=yes), paused_page)


@queues.command(cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@about_store
def resume(session: Session, names: tuple[str, ...]) -> None:
    """Let the jobs of paused queues start again."""
    from queuemgr.service.operations.queues import resume_queues

    from .views.queues import paused_page

    session.show(lambda it: it.ask(resume_queues, names=names), paused_page)


@queues.command(cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.argument("running", metavar="N|none")
@about_store
def limit(session: Session, names: tuple[str, ...], running: str) -> None:
    """Let at most N jobs of these queues run at once, on all workers together."""
    from queuemgr.service.operations.queues import limit_queues

    from .views.queues import limited_page

    most = None if running == "none" else _number(running)
    session.show(lambda it: it.ask(limit_queues, names=names, running=most), limited_page)


def _number(text: str) -> int:
    """Raises Misused."""
    if not text.isdecimal():
        raise Misused(f"{text!r} is no number of jobs", "write a number such as 4, or none for no limit")
    return int(text)


@queues.command(cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--finished", is_flag=True, help="The finished jobs as well.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say how many jobs it would delete, and delete none.")
@about_store
def drain(session: Session, names: tuple[str, ...], finished: bool, yes: bool, dry_run: bool) -> int:
    """Delete all jobs of these queues that wait. Running ones go on."""
    from queuemgr.service.operations.queues import count_drained, drain_queues

    from .views.changes import matching_page, question
    from .views.queues import drained_page

    found = session.run(lambda it: count_drained(it.client, names, finished=finished))
    if dry_run:
        session.output.show(found, matching_page)
        return OK
    if found["matched"] and not agreed(question(found), yes=yes, as_json=session.as_json):
        click.echo("nothing was deleted", err=True)
        return FAILED
    session.show(lambda it: it.ask(drain_queues, names=names, finished=finished), drained_page)
    return OK


queues.add_command(Verb("purge", callback=drain.callback, params=drain.params, help="As `drain`: its older name."))
