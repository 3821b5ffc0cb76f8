"""`queuemgr jobs retry`, `cancel`, `delete`, `hold` and `release`: by id, or all that fit, after asking."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING

import click

from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.exits import FAILED, NOT_FOUND, OK, REFUSED
from queuemgr.service.cli.filters import filters
from queuemgr.service.cli.session import about_store, agreed
from queuemgr.service.failures import Misused

if TYPE_CHECKING:
    from queuemgr.service.cli.session import Session
    from queuemgr.service.cli.showing import Document
    from queuemgr.store import Query


def _verb(name: str, help_: str) -> click.Command:
    @click.command(name, cls=Verb, help=help_)
    @click.argument("job_ids", metavar="[ID]...", nargs=-1)
    @filters
    @click.option("--all", "everything", is_flag=True, help="All jobs that it applies to.")
    @click.option("-y", "--yes", is_flag=True, help="Do not ask.")
    @click.option("--dry-run", is_flag=True, help="Say how many jobs it would change, and change none.")
    @about_store
    def verb(
        session: Session, job_ids: tuple[str, ...], query: Query, everything: bool, dry_run: bool, yes: bool
    ) -> int:
        require_chosen(name, job_ids, query, everything=everything)
        if dry_run:
            return _only_count(session, name, replace(query, ids=job_ids))
        return _by_id(session, name, job_ids) if job_ids else _by_query(session, name, query, yes=yes)

    return verb


def require_chosen(name: str, job_ids: tuple[str, ...], query: Query, *, everything: bool) -> None:
    """Raises Misused unless jobs are named either by their ids or in another way."""
    filtered = any(value not in ((), None) for value in astuple(query))
    if bool(job_ids) == (filtered or everything):
        raise Misused(
            f"it is not clear which jobs to {name}",
            f"name them by id, or by filters such as --state and --task, or --all: queuemgr jobs {name} --help",
        )


def _by_id(session: Session, name: str, job_ids: tuple[str, ...]) -> int:
    from queuemgr.service.cli.views.changes import changed_page
    from queuemgr.service.operations.changing import change_jobs

    # Named twice is meant once: each `last` would be another job when the one before it is deleted.
    once = tuple(dict.fromkeys(job_ids))
    document = session.run(lambda it: it.ask(change_jobs, verb=name, job_ids=once))
    session.output.show(document, changed_page)
    return _code(document)


def _only_count(session: Session, name: str, query: Query) -> int:
    from queuemgr.service.cli.views.changes import matching_page
    from queuemgr.service.operations.changing import count_matching

    session.output.show(session.run(lambda it: count_matching(it.client, name, query)), matching_page)
    return OK


def _by_query(session: Session, name: str, query: Query, *, yes: bool) -> int:
    from queuemgr.service.cli.views.changes import changed_page, question
    from queuemgr.service.operations.changing import change_matching, count_matching

    found = session.run(lambda it: count_matching(it.client, name, query))
    if found["matched"] and not agreed(question(found), yes=yes, as_json=session.as_json):
        click.echo("nothing was changed", err=True)
        return FAILED
    document = session.run(lambda it: it.ask(change_matching, verb=name, query=query))
    session.output.show(document, changed_page)
    return OK


def _code(document: Document) -> int:
    jobs = document["jobs"]
    if all(job["changed"] for job in jobs):
        return OK
    missing = any(not job["changed"] and job["state"] is None for job in jobs)
    return NOT_FOUND if missing else REFUSED


retry = _verb(
    "retry",
    "Run jobs again that have ended, or delayed ones now. Filters without --state mean dead jobs.",
)
cancel = _verb("cancel", "Stop jobs: those that wait end at once, those that run as soon as they can be stopped.")
delete = _verb("delete", "Forget jobs with their results, attempts and output. Running ones are left alone.")
hold = _verb("hold", "Keep jobs that wait from running until they are released.")
release = _verb("release", "Let held jobs run.")
