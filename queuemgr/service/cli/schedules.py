"""`queuemgr schedules`: list, add, change, pause, resume, run, remove, preview."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .commands import Verb, VerbGroup
from .requests import describes_job
from .session import about_store, watchable

if TYPE_CHECKING:
    from queuemgr.service.operations.request import Request

    from .session import Session

MISSED = ("skip", "once", "all")


@click.group(cls=VerbGroup)
def schedules() -> None:
    """List, add, change, pause, run, preview and remove schedules."""


@schedules.command("list", cls=Verb)
@watchable
@about_store
def list_(session: Session, watch: float | None) -> None:
    """The schedules, when they fire next and when they did last."""
    from queuemgr.service.operations.schedules import list_schedules

    from .views.schedules import schedules_page

    session.show(lambda it: list_schedules(it.client), schedules_page, watch)


@schedules.command(cls=Verb)
@click.argument("name")
@click.argument("rule")
@describes_job(when=False)
@click.option(
    "--zone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="The time zone of a cron expression: Europe/Berlin.",
)
@click.option(
    "--missed",
    type=click.Choice(MISSED),
    default="once",
    metavar="HOW",
    show_default=True,
    help="Firings that nobody saw: skip, once or all.",
)
@about_store
def add(session: Session, name: str, rule: str, request: Request, zone: str, missed: str) -> None:
    """Put the schedule NAME, or replace it: TASK is enqueued whenever RULE says.

    \b
    queuemgr schedules add nightly '0 3 * * *' shop.tasks.clean --zone Europe/Berlin
    queuemgr schedules add pulse 'every 10s' shop.tasks.beat
    """
    from queuemgr.service.operations.schedules import add_schedule

    from .views.schedules import added_page

    document = session.run(
        lambda it: it.ask(add_schedule, name=name, rule=rule, request=request, zone=zone, missed=missed),
        with_app=True,
        create=True,
    )
    session.output.show(document, added_page)


@schedules.command(cls=Verb)
@click.argument("name")
@click.argument("rule", required=False)
@click.option("--zone", metavar="ZONE", help="The time zone of a cron expression, by default the one that it has.")
@click.option("--missed", type=click.Choice(MISSED), metavar="HOW", help="Firings that nobody saw: skip, once or all.")
@about_store
def change(session: Session, name: str, rule: str | None, zone: str | None, missed: str | None) -> None:
    """Let the schedule NAME fire whenever RULE says. What it enqueues stays as it is."""
    from queuemgr.service.operations.schedules import change_schedule

    from .views.schedules import retimed_page

    session.show(lambda it: it.ask(change_schedule, name=name, rule=rule, zone=zone, missed=missed), retimed_page)


@schedules.command(cls=Verb)
@click.argument("name")
@about_store
def pause(session: Session, name: str) -> None:
    """Let its firings pass by until it is resumed."""
    _set_paused(session, name, paused=True)


@schedules.command(cls=Verb)
@click.argument("name")
@about_store
def resume(session: Session, name: str) -> None:
    """Let a paused schedule fire again."""
    _set_paused(session, name, paused=False)


def _set_paused(session: Session, name: str, *, paused: bool) -> None:
    from queuemgr.service.operations.schedules import pause_schedule

    from .views.schedules import changed_page

    session.show(lambda it: it.ask(pause_schedule, name=name, paused=paused), changed_page)


@schedules.command(cls=Verb)
@click.argument("name")
@about_store
def run(session: Session, name: str) -> None:
    """Enqueue its job now, beside its usual times. Prints the job's id."""
    from queuemgr.service.operations.schedules import run_schedule

    from .views.schedules import run_page

    session.show(lambda it: it.ask(run_schedule, name=name), run_page)


@schedules.command(cls=Verb)
@click.argument("name")
@about_store
def remove(session: Session, name: str) -> None:
    """Forget the schedule. Its jobs stay."""
    from queuemgr.service.operations.schedules import remove_schedule

    from .views.schedules import removed_page

    session.show(lambda it: it.ask(remove_schedule, name=name), removed_page)


@schedules.command(cls=Verb)
@click.argument("rule", metavar="RULE|NAME")
@click.option(
    "-n", "--count", type=click.IntRange(1, 1000), default=5, metavar="N", show_default=True, help="How many."
)
@click.option(
    "--zone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="The time zone of a cron expression: Europe/Berlin.",
)
@about_store
def preview(session: Session, rule: str, count: int, zone: str) -> None:
    """The next moments at which a rule, or the schedule of that name, fires. A rule needs no store."""
    import time

    from queuemgr.service.operations.schedules import is_rule, preview_rule, preview_schedule

    from .showing import Output
    from .views.schedules import preview_page

    if is_rule(rule, zone) or " " in rule:
        Output(as_json=session.as_json).show(preview_rule(rule, time.time(), count, zone), preview_page)
    else:
        session.show(lambda it: preview_schedule(it.client, rule, count), preview_page)
