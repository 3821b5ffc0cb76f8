"""`queuemgr alerts`: list, add, remove, silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .commands import Verb, VerbGroup
from .session import about_store, watchable
from .values import Seconds

if TYPE_CHECKING:
    from .session import Session


@click.group(cls=VerbGroup)
def alerts() -> None:
    """Look at alerts; add, remove and silence their rules."""


@alerts.command("list", cls=Verb)
@watchable
@about_store
def list_(session: Session, watch: float | None) -> None:
    """The rules as they stand, those that fire first, and who was told of them."""
    from queuemgr.service.operations.alerts import list_alerts

    from .views.observation import alerts_page

    session.show(lambda it: list_alerts(it.client), alerts_page, watch)


@alerts.command(cls=Verb)
@click.argument("rule")
@click.option("--severity", default="warning", metavar="WORD", show_default=True, help="How bad it is, in a word.")
@about_store
def add(session: Session, rule: str, severity: str) -> None:
    """Add a rule: "queue_length > 10000", "failure_rate > 5% in mail for 5m". One of the same words is replaced."""
    from queuemgr.service.operations.alerts import add_alert

    from .views.observation import rule_page

    session.show(lambda it: it.ask(add_alert, rule=rule, severity=severity), rule_page)


@alerts.command(cls=Verb)
@click.argument("rule")
@about_store
def remove(session: Session, rule: str) -> None:
    """Forget a rule, named by its words."""
    from queuemgr.service.operations.alerts import remove_alert

    from .views.observation import removed_page

    session.show(lambda it: it.ask(remove_alert, rule=rule), removed_page)


@alerts.command(cls=Verb)
@click.argument("rule")
@click.option("--for", "duration", type=Seconds(), default="1h", metavar="TIME", show_default=True, help="0 ends it.")
@click.option("--why", default="", metavar="TEXT", help="For those who ask why nobody was told.")
@about_store
def silence(session: Session, rule: str, duration: float, why: str) -> None:
    """Tell nobody of a rule, or of "*" (all of them), for some time. What still fires then is told then."""
    from queuemgr.service.access.terminal import this_person
    from queuemgr.service.operations.alerts import silence_alert

    from .views.observation import silenced_page

    who = this_person().name
    session.show(lambda it: it.ask(silence_alert, rule=rule, duration=duration, why=why, who=who), silenced_page)
