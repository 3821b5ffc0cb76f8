"""`queuemgr enqueue`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .commands import Verb
from .requests import describes_job
from .session import about_store
from .values import Seconds

if TYPE_CHECKING:
    from queuemgr.service.connecting import Connection
    from queuemgr.service.operations.request import Request

    from .session import Session
    from .showing import Document


@click.command("enqueue", cls=Verb)
@describes_job(when=True)
@click.option("--wait", is_flag=True, help="Wait until it has ended and print its result.")
@click.option("--wait-timeout", type=Seconds(), metavar="S", help="Wait so long at most (exit code 124).")
@about_store
def enqueue(session: Session, request: Request, wait: bool, wait_timeout: float | None) -> int:
    """Ask for TASK to be run. Prints the job's id.

    \b
    queuemgr enqueue shop.tasks.add 1 2
    queuemgr enqueue shop.tasks.send_mail '["a@b.c"]' --kw subject=Hi --delay 10m
    queuemgr enqueue shop.tasks.send_mail a@b.c subject=Hi --wait

    An ARGUMENT is JSON if it can be read as such, else text; name=value is a named one; one list alone stands for
    all of them. With --app (or QUEUEMGR_APP) they are checked, and the options of the task apply.
    """
    if wait or wait_timeout is not None:
        return _enqueue_and_wait(session, request, wait_timeout)
    from queuemgr.service.operations.sending import enqueue as send

    from .views.enqueued import enqueued_page

    document = session.run(lambda it: it.ask(send, request=request), with_app=True, create=True)
    session.output.show(document, enqueued_page)
    return 0


def _enqueue_and_wait(session: Session, request: Request, timeout: float | None) -> int:
    from queuemgr.service.operations.sending import enqueue as send

    from .jobs.waiting import code_of_ends, watched_wait
    from .views.enqueued import enqueued_page
    from .views.job import ended_page

    async def work(connection: Connection) -> Document:
        sent = await connection.ask(send, request=request)
        if session.output.for_people:
            session.output.show(sent, lambda document: enqueued_page(document).without_next())
        ended = await watched_wait(connection, session, (sent["id"],), timeout)
        return {**sent, **ended, "job": ended["jobs"][0]}

    document = session.run(work, with_app=True, create=True)
    session.output.show(document, ended_page)
    return code_of_ends(document)
