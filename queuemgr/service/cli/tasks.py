"""`queuemgr tasks`: list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from queuemgr.service.failures import NoStore

from .commands import Verb, VerbGroup
from .session import about_store

if TYPE_CHECKING:
    from queuemgr.service.connecting import Connection

    from .session import Session
    from .showing import Document


@click.group(cls=VerbGroup)
def tasks() -> None:
    """List the tasks."""


@tasks.command("list", cls=Verb)
@about_store
def list_(session: Session) -> None:
    """The tasks of the app, or without --app the names that the running workers know."""
    from queuemgr.service.connecting import load_app
    from queuemgr.service.operations.workers import list_tasks, tasks_of

    from .views.workers import tasks_page

    async def fetch(connection: Connection) -> Document:
        return await list_tasks(connection.client, connection.app)

    try:
        document = session.run(fetch, with_app=True)
    except NoStore:
        if session.place.app is None:
            raise
        document = tasks_of(load_app(session.place.app), {})
    session.output.show(document, tasks_page)
