"""`queuemgr failures`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from queuemgr.service.failures import NotFound

from .commands import Verb
from .exits import FAILED, OK
from .session import about_store, agreed, watchable

if TYPE_CHECKING:
    from queuemgr.service.connecting import Connection

    from .session import Session
    from .showing import Document


@click.command("failures", cls=Verb)
@click.option("--search", metavar="TEXT", default="", help="Only these: 'queue:mail after:1h error:Timeout'.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    metavar="N",
    show_default=True,
    help="At most so many groups.",
)
@click.option("--retry", metavar="FINGERPRINT", help="Run the jobs of this group again, after asking.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@watchable
@about_store
def failures(session: Session, search: str, limit: int, retry: str | None, yes: bool, watch: float | None) -> int:
    """Dead jobs, grouped by what they have in common: the error, where it was raised, and its message.

    \b
    queuemgr failures --search 'queue:mail after:1d'
    queuemgr failures --retry 5d41402abc4b
    """
    from queuemgr.service.operations.failures import list_failures

    from .views.failures import failures_page

    if retry is not None:
        return _retry(session, search, retry, yes=yes)

    async def fetch(connection: Connection) -> Document:
        return await list_failures(connection.client, limit=limit, search=search)

    session.show(fetch, failures_page, watch)
    return OK


def _retry(session: Session, search: str, fingerprint: str, *, yes: bool) -> int:
    from queuemgr.service.operations.failures import list_failures

    from .views.changes import changed_page

    found = session.run(lambda it: list_failures(it.client, search=search, fingerprint=fingerprint))
    if not found["groups"]:
        raise NotFound(f"no dead job has the fingerprint {fingerprint!r}", "queuemgr failures")
    group = found["groups"][0]
    question = f"This runs {group['count']:,} dead jobs again ({group['type']}: {group['message']:.80})."
    if not agreed(f"{question} Go on?", yes=yes, as_json=session.as_json):
        click.echo("nothing was changed", err=True)
        return FAILED
    session.output.show(session.run(lambda it: _again(it, group["retry"]["query"]["ids"])), changed_page)
    return OK


async def _again(connection: Connection, ids: list[str]) -> Document:
    from queuemgr.job import State
    from queuemgr.service.operations.changing import change_matching
    from queuemgr.store import Query

    changed: dict[str, Any] = {"verb": "retry", "changed": 0}
    for at in range(0, len(ids), 500):
        query = Query(ids=tuple(ids[at : at + 500]), states=(State.DEAD,))
        changed["changed"] += (await connection.ask(change_matching, verb="retry", query=query))["changed"]
    return changed
