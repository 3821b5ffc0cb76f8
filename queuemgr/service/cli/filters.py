"""The options that choose jobs: --state, --queue and so on become a query. It asks the store nothing."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from .values import Moment, States

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.job import State
    from queuemgr.store import Query

_OPTIONS = (
    click.option("--state", "states", type=States(), multiple=True, help="In this state (repeatable, or with commas)."),
    click.option("--queue", metavar="NAME", help="In this queue."),
    click.option("--task", metavar="NAME", help="Of this task."),
    click.option("--tag", metavar="TAG", help="With this tag."),
    click.option("--worker", metavar="ID", help="In the hands of this worker."),
    click.option("--error", metavar="TEXT", help="Whose last error has this text in it."),
    click.option("--since", type=Moment(past=True), metavar="TIME", help="Enqueued since then: 2h, 2026-12-01."),
    click.option("--before", type=Moment(past=True), metavar="TIME", help="Enqueued before then."),
)


def filters(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the function gets their values as `chosen`, for `query_of`."""

    @functools.wraps(function)
    def with_query(
        *args: Any,
        states: tuple[tuple[State, ...], ...],
        queue: str | None,
        task: str | None,
        tag: str | None,
        worker: str | None,
        error: str | None,
        since: float | None,
        before: float | None,
        **params: Any,
    ) -> Any:
        from queuemgr.store import Query

        query = Query(
            states=tuple(dict.fromkeys(state for several in states for state in several)),
            queue=queue,
            task=task,
            tag=tag,
            worker=worker,
            error=error,
            created_after=since,
            created_before=before,
        )
        return function(*args, query=query, **params)

    for option in reversed(_OPTIONS):
        with_query = option(with_query)
    return with_query


def words_of(query: Query) -> list[str]:
    """The options that choose the same jobs again."""
    words = ["--state", ",".join(state.word for state in query.states)] if query.states else []
    for option, value in (
        ("--queue", query.queue),
        ("--task", query.task),
        ("--tag", query.tag),
        ("--worker", query.worker),
        ("--error", query.error),
        ("--since", query.created_after),
        ("--before", query.created_before),
    ):
        if value is not None:
            words += [option, str(value)]
    return words
