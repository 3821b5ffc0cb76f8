"""`queuemgr token`: add, list, remove."""

from __future__ import annotations

import asyncio
import functools
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from .commands import Verb, VerbGroup
from .session import about_store
from .values import Seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from queuemgr.service.access.tokens import Tokens

    from .page import PageOf
    from .session import Session
    from .showing import Document

SCOPES = ("read", "operate", "administer")


@click.group(cls=VerbGroup)
def token() -> None:
    """Make, list and remove tokens for the page and the API.

    Only what is open to other machines needs a token. They are kept as hashes, in a file of yours.
    """


def _about_tokens(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --token-file and the usual options; the function gets a Session and the Tokens first."""

    def with_tokens(session: Session, token_file: str | None, **params: Any) -> Any:
        from queuemgr.service.access.config import find_token_file
        from queuemgr.service.access.tokens import Tokens

        return function(session, Tokens(find_token_file(token_file)), **params)

    functools.update_wrapper(with_tokens, function)
    option = click.option("--token-file", metavar="FILE", help="The file of the tokens, if it is not the usual one.")
    return about_store(option(with_tokens))


@token.command(cls=Verb)
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="read",
    show_default=True,
    metavar="SCOPE",
    help="read, operate or administer; each may do what those before it may.",
)
@click.option("--expires", type=Seconds(), metavar="S", help="It ends after so long: 90d, 12h. For ever if not given.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N requests in a minute.")
@_about_tokens
def add(session: Session, tokens: Tokens, name: str, scope: str, expires: float | None, limit: int | None) -> None:
    """Make the token NAME and show it, this once.

    \b
    queuemgr token add grafana --scope read --expires 90d
    """
    from queuemgr.service.operations.tokens import add_token

    from .views.access import added_page

    _change(session, tokens, add_token, added_page, name=name, scope=scope, lifetime=expires, limit=limit)


@token.command("list", cls=Verb)
@_about_tokens
def list_(session: Session, tokens: Tokens) -> None:
    """The tokens, what each allows and for how long. What they are is known to nobody any more."""
    from queuemgr.service.operations.tokens import list_tokens

    from .showing import Output
    from .views.access import tokens_page

    Output(as_json=session.as_json).show(asyncio.run(list_tokens(tokens)), tokens_page)


@token.command(cls=Verb)
@click.argument("name")
@_about_tokens
def remove(session: Session, tokens: Tokens, name: str) -> None:
    """Remove the token NAME. Whoever came in by it is out at once."""
    from queuemgr.service.operations.tokens import remove_token

    from .views.access import removed_page

    _change(session, tokens, remove_token, removed_page, name=name)


def _change(
    session: Session,
    tokens: Tokens,
    function: Callable[..., Awaitable[Document]],
    page_of: PageOf,
    **arguments: Any,
) -> None:
    from .showing import Output

    try:
        document = asyncio.run(_carried_out(function, tokens, arguments))
    except Exception as error:
        _write_down(session, function, arguments, error)
        raise
    _write_down(session, function, arguments, document)
    Output(as_json=session.as_json).show(document, page_of)


async def _carried_out(
    function: Callable[..., Awaitable[Document]], tokens: Tokens, arguments: Mapping[str, Any]
) -> Document:
    return await function(tokens, **arguments)


def _write_down(
    session: Session, function: Callable[..., Any], arguments: Mapping[str, Any], answer: Document | Exception
) -> None:
    """In the store's audit list; tokens belong to a user, so that there may be no store."""
    from queuemgr.errors import QueuemgrError
    from queuemgr.service.access.audit import record
    from queuemgr.service.access.terminal import name_of, this_person

    with suppress(QueuemgrError):
        session.run(lambda it: record(it.client, this_person(), name_of(function), arguments, answer))
