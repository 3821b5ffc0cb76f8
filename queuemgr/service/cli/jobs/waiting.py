"""`queuemgr jobs wait`, and the waiting of `queuemgr enqueue --wait`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.exits import FAILED, OK, TIMED_OUT
from queuemgr.service.cli.session import about_store
from queuemgr.service.cli.values import Seconds

if TYPE_CHECKING:
    from queuemgr.service.cli.session import Session
    from queuemgr.service.cli.showing import Document
    from queuemgr.service.connecting import Connection


@click.command("wait", cls=Verb)
@click.argument("job_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--timeout", type=Seconds(), metavar="S", help="Give up after so many seconds (exit code 124).")
@about_store
def wait(session: Session, job_ids: tuple[str, ...], timeout: float | None) -> int:
    """Wait until jobs have ended, and print their results. Exit code 1 if one of them did not succeed."""
    from queuemgr.service.cli.views.job import ended_page

    async def work(connection: Connection) -> Document:
        return await watched_wait(connection, session, job_ids, timeout)

    document = session.run(work)
    session.output.show(document, ended_page)
    return code_of_ends(document)


async def watched_wait(
    connection: Connection, session: Session, job_ids: tuple[str, ...], timeout: float | None
) -> Document:
    """`wait_for`, with the jobs' progress on the terminal meanwhile."""
    from queuemgr.service.operations.jobs import wait_for

    if not session.output.for_people:
        return await wait_for(connection.client, job_ids, timeout)
    from queuemgr.service.cli.progress import progress_of

    async with progress_of(connection.client, job_ids):
        return await wait_for(connection.client, job_ids, timeout)


def code_of_ends(document: Document) -> int:
    """The exit code that says how the waited-for jobs ended."""
    jobs = document["jobs"]
    if any(job["finished_at"] is None for job in jobs):
        return TIMED_OUT
    return OK if all(job["state"] == "succeeded" for job in jobs) else FAILED
