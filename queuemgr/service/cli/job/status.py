"""`queuemgr job status`: a job's record, with a large result by its size, its shape and pages."""

from __future__ import annotations

from typing import Any

import click

from queuemgr.service.cli.asking import Asking, about_service, answered
from queuemgr.service.cli.commands import Verb
from queuemgr.service.failures import Misused

INLINE = 16 * 1024
"""Bytes of a result up to which it is shown whole."""

PAGE = 20


@click.command("status", cls=Verb)
@click.argument("job_id", metavar="[ID]", required=False)
@click.option("--page", type=click.IntRange(1), metavar="N", help="The page N of a result that is, or has, a list.")
@click.option("--offset", type=int, metavar="N", help="From the item N on; a negative one counts from the end.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=PAGE, show_default=True, metavar="N", help="Items.")
@click.option("--at", metavar="KEY", help="The list at this key of the result.")
@click.option("--whole", is_flag=True, help="The whole result, however large.")
@about_service
def status(
    asking: Asking,
    job_id: str | None,
    page: int | None,
    offset: int | None,
    limit: int,
    at: str | None,
    whole: bool,
) -> None:
    """How a job is, and its result; of a large one its size, its shape and the pages that you ask for."""
    from queuemgr.service.cli.views.service import items_page, record_page

    job_id = answered(job_id, "Enter job ID: ", "the job's id", asking)
    if page is not None and offset is not None:
        raise Misused("--page and --offset say two things", "give one of them")
    if page is None and offset is None:
        asking.output.show(record_of(asking, job_id, whole=whole), record_page)
        return
    begin = limit * (page - 1) if page is not None else offset
    document = _items(asking, job_id, {"offset": begin, "limit": limit, "at": at})
    asking.output.show(document, items_page)


def record_of(asking: Asking, job_id: str, *, whole: bool = False) -> dict[str, Any]:
    """The flat record; of a large result only what it looks like."""
    how: dict[str, Any] = {} if whole else {"whole": INLINE}
    return dict(asking.call("job.status", job_id=job_id, **how))


def _items(asking: Asking, job_id: str, wanted: dict[str, Any]) -> dict[str, Any]:
    # There is nothing to look at yet of a result that is still being written; its items can be read.
    glance = asking.call("job.status", job_id=job_id, whole=0)["result"] or {}
    lists = {key or None: length for key, length in glance.get("lists", {}).items()}
    at = wanted["at"]
    if at is None and lists:
        at = max(lists, key=lambda key: lists[key])
    found: dict[str, Any] = asking.call("job.page", **wanted | {"job_id": job_id, "at": at})
    return found | {"job_id": job_id, "size": glance.get("size"), "length": lists.get(at), "limit": wanted["limit"]}
