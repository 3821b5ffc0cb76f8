"""`queuemgr why`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .commands import Verb
from .session import about_store, watchable

if TYPE_CHECKING:
    from queuemgr.service.connecting import Connection

    from .session import Session
    from .showing import Document


@click.command("why", cls=Verb)
@click.argument("job_id", metavar="[ID]", default="last")
@watchable
@about_store
def why(session: Session, job_id: str, watch: float | None) -> None:
    """Why a job is where it is, what comes next, and what can be done. Without ID the newest job.

    It looks the same with a million jobs as with ten. With --watch until the job has ended.
    """
    from queuemgr.service.operations.why import why_job

    from .views.why import why_page

    async def fetch(connection: Connection) -> Document:
        return await why_job(connection.client, connection.app, job_id)

    session.show(fetch, why_page, watch, lambda document: document["job"]["finished_at"] is not None)
