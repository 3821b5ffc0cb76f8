"""`queuemgr workers`: list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .commands import Verb, VerbGroup
from .session import about_store, watchable

if TYPE_CHECKING:
    from .session import Session


@click.group(cls=VerbGroup)
def workers() -> None:
    """List the workers."""


@workers.command("list", cls=Verb)
@watchable
@about_store
def list_(session: Session, watch: float | None) -> None:
    """The workers, what they take and how much they run."""
    from queuemgr.service.operations.workers import list_workers

    from .views.workers import workers_page

    session.show(lambda it: list_workers(it.client), workers_page, watch)
