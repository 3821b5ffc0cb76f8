"""`queuemgr jobs list`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.filters import filters, words_of
from queuemgr.service.cli.session import about_store, watchable

if TYPE_CHECKING:
    from queuemgr.service.cli.session import Session
    from queuemgr.service.cli.showing import Document
    from queuemgr.service.connecting import Connection
    from queuemgr.store import Query


@click.command("list", cls=Verb)
@filters
@click.option(
    "-n", "--limit", type=click.IntRange(1, 10_000), default=20, metavar="N", show_default=True, help="At most so many."
)
@click.option("--search", metavar="TEXT", default="", help="What fits this, too: 'state:dead args.user_id:42 timeout'.")
@click.option("--after", metavar="POSITION", help='The page that follows: "after" of the page before.')
@watchable
@about_store
def list_(session: Session, query: Query, limit: int, search: str, after: str | None, watch: float | None) -> None:
    """The newest jobs, or those that fit.

    \b
    queuemgr jobs list --state dead --since 2h
    queuemgr jobs list --task shop.tasks.send_mail --watch
    queuemgr jobs list --search 'queue:mail args.to:a@b.c'
    """
    from queuemgr.service.cli.views.jobs import jobs_page
    from queuemgr.service.operations.jobs import list_jobs

    async def fetch(connection: Connection) -> Document:
        return await list_jobs(connection.client, query, limit, after, search)

    filters = [*words_of(query), *(["--search", search] if search else [])]
    session.show(fetch, partial(jobs_page, filters=filters), watch)
