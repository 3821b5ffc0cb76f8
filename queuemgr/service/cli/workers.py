"""`queuemgr workers`: list, quiet, resume, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from queuemgr.service.failures import Misused

from .commands import Verb, VerbGroup
from .exits import FAILED, OK
from .session import about_store, agreed, watchable
from .values import Seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.service.connecting import Connection

    from .session import Session
    from .showing import Document


@click.group(cls=VerbGroup)
def workers() -> None:
    """List the workers; let them be quiet, go on, stop."""


@workers.command("list", cls=Verb)
@watchable
@about_store
def list_(session: Session, watch: float | None) -> None:
    """The workers, what they take and how much they run."""
    from queuemgr.service.operations.workers import list_workers

    from .views.workers import workers_page

    session.show(lambda it: list_workers(it.client), workers_page, watch)


def _asks(name: str, help_: str) -> click.Command:
    @click.command(name, cls=Verb, help=help_)
    @click.argument("worker_ids", metavar="[ID]...", nargs=-1)
    @click.option("--all", "everyone", is_flag=True, help="All living workers.")
    @click.option("-y", "--yes", is_flag=True, help="Do not ask before --all.")
    @click.option("--dry-run", is_flag=True, help="Say which workers it would be, and ask none.")
    @about_store
    def verb(session: Session, **how: Any) -> int:
        return _carry_out(session, name, **how)

    return verb


def _carry_out(
    session: Session,
    name: str,
    *,
    worker_ids: tuple[str, ...],
    everyone: bool,
    yes: bool,
    dry_run: bool,
    **more: float | None,
) -> int:
    from .views.workers import asked_page, reached_page

    if bool(worker_ids) == everyone:
        raise Misused(
            f"it is not clear which workers to {name}", f"name them by id, or --all: queuemgr workers {name} -h"
        )
    if everyone or dry_run:
        found = session.run(lambda it: _reached(it.client, name, worker_ids))
        if dry_run:
            session.output.show(found, reached_page)
            return OK
        worker_ids = tuple(one["id"] for one in found["workers"])
        number = len(worker_ids)
        question = f"{name.capitalize()} {number} {'worker' if number == 1 else 'workers'}?"
        if worker_ids and not agreed(question, yes=yes, as_json=session.as_json):
            click.echo("nothing was asked of them", err=True)
            return FAILED
    document = session.run(lambda it: _ask_each(it, name, worker_ids, more))
    session.output.show(document, asked_page)
    return OK


async def _reached(client: AsyncClient, name: str, worker_ids: Sequence[str]) -> Document:
    """{"verb", "workers"}: the living ones; those that are named, or all that this verb can reach."""
    from queuemgr.service.operations.workers import list_workers, living_worker

    named = {(await living_worker(client, one)).id for one in worker_ids}
    workers = (await list_workers(client))["workers"]
    return {"verb": name, "workers": [one for one in workers if (one["id"] in named if named else _can(name, one))]}


def _can(name: str, worker: Document) -> bool:
    from queuemgr.service.flatrecord import QUEUE

    return worker["alive"] and worker["state"] != "stopping" and (name != "stop" or QUEUE not in worker["queues"])


async def _ask_each(
    connection: Connection, name: str, worker_ids: Sequence[str], more: dict[str, float | None]
) -> Document:
    """{"verb", "workers"}: what each was asked."""
    from queuemgr.service.operations.table import find

    function = find(f"workers.{name}").function
    return {"verb": name, "workers": [await connection.ask(function, worker_id=one, **more) for one in worker_ids]}


quiet = _asks("quiet", "Let workers take no new jobs. What they run goes on; `resume` ends it.")
resume = _asks("resume", "Let quiet workers take jobs again.")
stop = _asks(
    "stop", "Let workers end their jobs and leave. Nobody starts them again before their command or the service is."
)
stop.params.insert(
    1,
    click.Option(
        ["--grace"], type=Seconds(), metavar="S", help="Running jobs may go on so long; 0: stop them at once."
    ),
)

for command in (quiet, resume, stop):
    workers.add_command(command)
