"""`queuemgr jobs arguments` and `queuemgr jobs result`: what a job holds, as JSON that can be read on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.session import about_store
from queuemgr.service.failures import NotAllowed

if TYPE_CHECKING:
    from queuemgr.service.cli.session import Session


@click.command("arguments", cls=Verb)
@click.argument("job_id", metavar="ID")
@about_store
def arguments(session: Session, job_id: str) -> None:
    """The arguments of a job as JSON, one to a line. Secrets are dots."""
    from queuemgr.service.cli.views.contents import arguments_page
    from queuemgr.service.operations.contents import job_arguments

    session.output.show(session.run(lambda it: job_arguments(it.client, job_id)), arguments_page)


@click.command("result", cls=Verb)
@click.argument("job_id", metavar="ID")
@click.option(
    "--offset", type=int, default=0, metavar="N", help="From this item on; counts from the end if it is negative."
)
@click.option(
    "-n", "--limit", type=click.IntRange(0, 1000), default=100, metavar="N", show_default=True, help="At most so many."
)
@click.option("--at", metavar="KEY", help="The list at this key of a result that is a dict.")
@about_store
def result(session: Session, job_id: str, offset: int, limit: int, at: str | None) -> None:
    """The result of a job: its size and shape, and its items page by page as JSON, one to a line."""
    from queuemgr.service.cli.views.contents import result_page
    from queuemgr.service.operations.contents import job_result

    document = session.run(lambda it: job_result(it.client, job_id, offset, limit, at))
    if "none" in document and not document.get("complete", True):
        reason = f"job {document['id']} is {document['state']}, has not ended, and has no result yet"
        raise NotAllowed(reason, f"queuemgr jobs wait {document['id']}")
    session.output.show(document, result_page)
