"""`queuemgr jobs logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.session import about_store

if TYPE_CHECKING:
    from queuemgr.service.cli.session import Session
    from queuemgr.service.cli.showing import Output
    from queuemgr.service.connecting import Connection
    from queuemgr.service.lines import Line


@click.command("logs", cls=Verb)
@click.argument("job_id", metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("--attempt", type=int, metavar="N", help="Only of this attempt.")
@click.option("--times", is_flag=True, help="With the time and the stream before each line.")
@about_store
def logs(session: Session, job_id: str, follow: bool, attempt: int | None, times: bool) -> None:
    """What a job printed and logged. With --json one object for each line."""

    async def work(connection: Connection) -> int:
        from queuemgr.service.lines import whole_lines
        from queuemgr.service.operations import jobs

        client, output, shown = connection.client, session.output, 0
        known = await client.get(await jobs.resolve(client, job_id))
        pieces = jobs.follow(client, known.id) if follow else jobs.output_of(client, known.id)
        async for line in whole_lines(pieces):
            if attempt is None or line.attempt == attempt:
                shown += 1
                _print(line, output, times=times)
        if not shown and not session.as_json:
            _explain_silence(known.attempt)
        return 0

    session.run(work)


def _print(line: Line, output: Output, *, times: bool) -> None:
    if output.as_json:
        from queuemgr.service.facts import line_facts

        output.line(line_facts(line))
        return
    from queuemgr.service.words import harmless, moment

    text = harmless(line.text) if output.for_people else line.text
    head = f"{moment(line.at)[11:19]} {line.stream:6} " if times else ""
    output.write(f"{head}{text}\n")


def _explain_silence(attempts: int) -> None:
    from queuemgr.service.cli.showing import tell

    tell("it has printed and logged nothing" if attempts else "it has not run yet: --follow waits for it")
