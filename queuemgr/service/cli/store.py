"""`queuemgr store`: info, prune."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .commands import Verb, VerbGroup
from .session import about_store, watchable

if TYPE_CHECKING:
    from .session import Session


@click.group(cls=VerbGroup)
def store() -> None:
    """What the store holds; forget what is over."""


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

    session.show(lambda it: prune_store(it.client), pruned_page)
