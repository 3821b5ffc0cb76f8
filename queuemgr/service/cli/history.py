"""`queuemgr history` and `queuemgr metrics`: the measures over time, and those of the last minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .commands import Verb
from .session import about_store, watchable
from .values import Seconds

if TYPE_CHECKING:
    from .session import Session


@click.command("history", cls=Verb)
@click.argument("metrics", metavar="[METRIC...]", nargs=-1)
@click.option("--queue", metavar="NAME", help="Of this queue alone.")
@click.option(
    "--span", type=Seconds(), default="1h", metavar="TIME", show_default=True, help="How far back, up to 400d."
)
@click.option(
    "--points", type=click.IntRange(1, 2200), default=60, metavar="N", show_default=True, help="Values in each series."
)
@watchable
@about_store
def history(
    session: Session, metrics: tuple[str, ...], queue: str | None, span: float, points: int, watch: float | None
) -> None:
    """Queue length, rates, waits, failures and load over the last hours or days, as a manager has measured them."""
    from queuemgr.service.operations.history import show_history

    from .views.observation import history_page

    session.show(lambda it: show_history(it.client, metrics, queue, span, points), history_page, watch)


@click.command("metrics", cls=Verb)
@watchable
@about_store
def metrics(session: Session, watch: float | None) -> None:
    """What was measured in the last minute: for everything, for each queue, for each task."""
    from queuemgr.service.operations.metrics import show_metrics

    from .views.observation import metrics_page

    session.show(lambda it: show_metrics(it.client), metrics_page, watch)
