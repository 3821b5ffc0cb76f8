"""`queuemgr jobs complete`: how a search may go on, for shells and editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.session import about_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.cli.page import Page
    from queuemgr.service.cli.session import Session


@click.command("complete", cls=Verb)
@click.argument("text", default="")
@about_store
def complete(session: Session, text: str) -> None:
    """How the last word of a search may go on: queuemgr jobs complete 'state:dead queue:m'."""
    from queuemgr.service.operations.completing import complete_search

    session.output.show(session.run(lambda it: complete_search(it.client, text)), _page)


def _page(document: Mapping[str, Any]) -> Page:
    from queuemgr.service.cli.page import Cell, Lines, Page

    return Page([Lines([Cell(one["text"]) for one in document["suggestions"]])])
