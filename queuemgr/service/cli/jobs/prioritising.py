"""`queuemgr jobs prioritise`: another priority for waiting jobs, by id, or for all that fit, after asking."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.exits import FAILED, OK, REFUSED
from queuemgr.service.cli.filters import filters
from queuemgr.service.cli.session import about_store, agreed

from .changing import require_chosen

if TYPE_CHECKING:
    from queuemgr.service.cli.session import Session
    from queuemgr.store import Query


@click.command("prioritise", cls=Verb)
@click.argument("job_ids", metavar="[ID]...", nargs=-1)
@click.option("--priority", type=click.IntRange(0, 9), metavar="N", required=True, help="0 to 9: 9 runs first.")
@filters
@click.option("--all", "everything", is_flag=True, help="All jobs that wait.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say how many jobs it would change, and change none.")
@about_store
def prioritise(
    session: Session,
    job_ids: tuple[str, ...],
    query: Query,
    priority: int,
    everything: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Give jobs that wait another priority. Running and finished ones are left alone.

    \b
    queuemgr jobs prioritise last --priority 9
    queuemgr jobs prioritise --queue mail --priority 7
    """
    from queuemgr.service.cli.views.changes import matching_page, prioritised_page, question
    from queuemgr.service.operations.changing import PRIORITISE, count_matching
    from queuemgr.service.operations.prioritising import prioritise_jobs

    require_chosen(PRIORITISE, job_ids, query, everything=everything)
    query = replace(query, ids=tuple(dict.fromkeys(job_ids)))
    if dry_run or not job_ids:
        found = session.run(lambda it: count_matching(it.client, PRIORITISE, query))
        if dry_run:
            session.output.show(found, matching_page)
            return OK
        if found["matched"] and not agreed(question(found), yes=yes, as_json=session.as_json):
            click.echo("nothing was changed", err=True)
            return FAILED
    document = session.run(lambda it: it.ask(prioritise_jobs, query=query, priority=priority))
    session.output.show(document, lambda told: prioritised_page(told, named=len(query.ids)))
    return OK if document["changed"] >= len(query.ids) else REFUSED
