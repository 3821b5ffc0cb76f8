"""`queuemgr jobs rerun`: the same task once more, with the same or edited arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.session import about_store
from queuemgr.service.cli.values import Seconds

if TYPE_CHECKING:
    from queuemgr.service.cli.session import Session
    from queuemgr.service.connecting import Connection
    from queuemgr.service.told import JobRerun


@click.command("rerun", cls=Verb)
@click.argument("job_id", metavar="ID")
@click.argument("words", metavar="[ARGUMENT]...", nargs=-1)
@click.option(
    "--kw", "pairs", metavar="NAME=VALUE", multiple=True, help="Another value of a named argument (repeatable)."
)
@click.option("--queue", metavar="NAME", help="Into this queue.")
@click.option("--priority", type=click.IntRange(0, 9), metavar="N", help="9 runs first.")
@click.option("--attempts", type=click.IntRange(1), metavar="N", help="At most so many attempts.")
@click.option("--timeout", type=Seconds(), metavar="S", help="Stop a run that takes longer.")
@click.option("--delay", type=Seconds(), metavar="S", help="Not before S seconds have passed.")
@about_store
def rerun(session: Session, job_id: str, words: tuple[str, ...], pairs: tuple[str, ...], **options: Any) -> None:
    """Enqueue the task of a job again; the job itself stays as it is.

    Without arguments with those of the job. Positional ones take the place of all positional ones, named ones that of
    those of the same name.

    \b
    queuemgr jobs rerun last
    queuemgr jobs rerun ID a@b.c --kw subject=Again --timeout 10m
    """
    from queuemgr.service.cli.requests import request_of
    from queuemgr.service.cli.views.enqueued import enqueued_page
    from queuemgr.service.operations.contents import job_arguments
    from queuemgr.service.operations.rerunning import rerun_job

    request = request_of("", words, pairs, {})
    chosen = {name: value for name, value in options.items() if value is not None}

    async def work(connection: Connection) -> JobRerun:
        positional = [word.value for word in request.positional] or None
        named = {name: word.value for name, word in request.named.items()}
        if named:
            named = (await job_arguments(connection.client, job_id))["named"] | named
        given = {"job_id": job_id, "positional": positional, "named": named or None, "options": chosen or None}
        return await connection.ask(rerun_job, **given)

    session.output.show(session.run(work), enqueued_page)
