"""What nearly every verb shares: the options that name the store, `--json` and `--watch`, and the way to the store."""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from queuemgr.service.failures import Misused
from queuemgr.service.places import Place, find_place

from .showing import Document, Output

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from queuemgr.service.connecting import Connection

    from .page import PageOf

T = TypeVar("T")


_OPTIONS = (
    click.option("--store", metavar="URL", help="The store, for example sqlite:///jobs.db"),
    click.option("--app", metavar="MODULE:APP", help="The program that has the tasks, for example shop.jobs:app"),
    click.option("--json", "as_json", is_flag=True, help="Answer as JSON, times as seconds since 1970."),
)


@dataclass(slots=True)
class Session:
    """One call of a verb: where its store is and how it answers."""

    store: str | None
    app: str | None
    as_json: bool

    @property
    def place(self) -> Place:
        """Raises NoStore."""
        return find_place(self.store, self.app, os.environ, Path.cwd())

    @property
    def output(self) -> Output:
        return Output(as_json=self.as_json, place=self.place)

    def run(self, work: Callable[[Connection], Awaitable[T]], *, with_app: bool = False, create: bool = False) -> T:
        """Do `work` on an open store. Raises NoStore, ConfigError, StoreError and what `work` raises."""
        import asyncio

        from queuemgr.service.connecting import connected

        async def inside() -> T:
            async with connected(self.place, with_app=with_app, create=create) as connection:
                return await work(connection)

        return asyncio.run(inside())

    def show(
        self,
        fetch: Callable[[Connection], Awaitable[Document]],
        page_of: PageOf,
        watch: float | None = None,
        ended: Callable[[Document], bool] = lambda document: False,
    ) -> Document:
        """Fetch a document and show it; with `watch` again every so many seconds until it has `ended`."""
        if watch is None:
            document = self.run(fetch)
            self.output.show(document, page_of)
            return document
        pause = max(0.1, watch)

        async def follow(connection: Connection) -> Document:
            return await self.output.follow(lambda: fetch(connection), page_of, pause, ended)

        return self.run(follow)


def about_store(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --store, --app and --json; the function gets a Session first."""

    def with_session(store: str | None, app: str | None, as_json: bool, **params: Any) -> Any:
        root = click.get_current_context().find_root().params
        return function(Session(store or root.get("store"), app or root.get("app"), as_json), **params)

    functools.update_wrapper(with_session, function)
    decorated: Callable[..., Any] = with_session
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def watchable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --watch, the seconds from one look to the next, or None."""
    option = click.option(
        "-w", "--watch", type=float, metavar="[S]", help="Show it anew every S seconds (2 if not given)."
    )
    return option(function)


def agreed(question: str, *, yes: bool, as_json: bool) -> bool:
    """Whether to go on. Raises Misused where nobody can be asked and --yes is not given."""
    if yes:
        return True
    if as_json or not somebody_can_answer():
        raise Misused(f"{question} Nobody can be asked here", "add --yes to go on, or --dry-run to see only")
    return click.confirm(question, err=True)


def somebody_can_answer() -> bool:
    return sys.stdin.isatty()
