"""`queuemgr jobs show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.session import about_store, watchable

if TYPE_CHECKING:
    from queuemgr.service.cli.session import Session
    from queuemgr.service.cli.showing import Document
    from queuemgr.service.connecting import Connection


@click.command("show", cls=Verb)
@click.argument("job_id", metavar="ID")
@click.option(
    "--lines", type=click.IntRange(0, 10_000), default=10, metavar="N", show_default=True, help="Of its last output."
)
@watchable
@about_store
def show(session: Session, job_id: str, lines: int, watch: float | None) -> None:
    """All about one job: why it is where it is, its arguments, result, attempts and last output.

    With --watch until it has ended.
    """
    from queuemgr.service.cli.views.job import job_page
    from queuemgr.service.operations.jobs import show_job

    async def fetch(connection: Connection) -> Document:
        return await show_job(connection.client, job_id, lines)

    session.show(fetch, job_page, watch, lambda document: document["job"]["finished_at"] is not None)
