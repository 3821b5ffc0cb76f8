"""`queuemgr audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .commands import Verb
from .session import about_store, watchable

if TYPE_CHECKING:
    from .session import Session


@click.command("audit", cls=Verb)
@click.option(
    "-n", "--limit", type=click.IntRange(1, 500), default=20, metavar="N", show_default=True, help="At most so many."
)
@click.option("--after", type=int, metavar="NUMBER", help='The page that follows: "after" of the page before.')
@watchable
@about_store
def audit(session: Session, limit: int, after: int | None, watch: float | None) -> None:
    """What was changed, by whom and when, the newest first. An entry is kept for 90 days."""
    from queuemgr.service.operations.audit import list_audit

    from .views.access import audit_page

    session.show(lambda it: list_audit(it.client, limit, after), audit_page, watch)
