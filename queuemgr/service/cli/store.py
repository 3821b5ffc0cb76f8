"""`queuemgr store`: info, prune, copy, migrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .commands import Verb, VerbGroup
from .exits import FAILED, OK
from .session import about_store, watchable

if TYPE_CHECKING:
    from .session import Session


@click.group(cls=VerbGroup)
def store() -> None:
    """What the store holds; forget what is over; move to another store."""


@store.command(cls=Verb)
@watchable
@about_store
def info(session: Session, watch: float | None) -> None:
    """Where the store is, how large, and what it holds."""
    from queuemgr.service.operations.store import store_info

    from .views.store import info_page

    session.show(lambda it: store_info(it.client), info_page, watch)


@store.command(cls=Verb)
@about_store
def prune(session: Session) -> None:
    """Forget finished jobs whose lifetime is over. Workers do so now and then by themselves."""
    from queuemgr.service.operations.store import prune as prune_store

    from .views.store import pruned_page

    session.show(lambda it: it.ask(prune_store), pruned_page)


@store.command(cls=Verb)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON, times as seconds since 1970.")
def copy(source: str, target: str, as_json: bool) -> int:
    """Copy everything from one store into another, and compare. FROM and TO are URLs.

    \b
    No worker may live in either store. If it is cut off, do it again: it
    goes on where it was. Exit code 1 if a job differs in the end.
    """
    from .copying import copied
    from .showing import Output
    from .views.copying import copied_page

    output = Output(as_json=as_json)
    document = copied(source, target, with_bar=output.for_people)
    output.show(document, copied_page)
    return OK if document["equal"] else FAILED


@store.command(cls=Verb)
@click.argument("url", required=False)
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if the store has to be migrated.")
@about_store
def migrate(session: Session, url: str | None, check: bool) -> int:
    """Bring the tables of a store up to date, for this version of queuemgr."""
    import asyncio

    from queuemgr.service.operations.store import migrate as migrate_store
    from queuemgr.service.places import Place

    from .showing import Output
    from .views.store import migrated_page

    place = Place(url, named=("--store", url)) if url else session.place
    document = asyncio.run(migrate_store(place, check=check))
    Output(as_json=session.as_json, place=place).show(document, migrated_page)
    return FAILED if check and document["needed"] else OK
