"""`queuemgr job status`: a job's record, with a large result by its size, its shape and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from queuemgr.errors import JobNotFound
from queuemgr.service.cli.asking import Asking, about_service, answered
from queuemgr.service.cli.commands import Verb
from queuemgr.service.failures import Misused, NotFound

if TYPE_CHECKING:
    from queuemgr.result import ResultInfo

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
    seen = asking.call("jobs.list", query={"ids": [job_id]})["jobs"]
    if not whole and seen and (seen[0]["result_size"] or 0) > INLINE:
        return _looked_up(asking, job_id)[0]
    return dict(asking.call("job.status", job_id=job_id))


def _items(asking: Asking, job_id: str, wanted: dict[str, Any]) -> dict[str, Any]:
    _, info = _looked_up(asking, job_id)
    at = wanted["at"]
    if at is None and info.lists:
        at = max(info.lists, key=lambda key: info.lists[key])
    found: dict[str, Any] = asking.call("job.page", **wanted | {"job_id": job_id, "at": at})
    return found | {"job_id": job_id, "size": info.size, "length": info.lists.get(at), "limit": wanted["limit"]}


def _looked_up(asking: Asking, job_id: str) -> tuple[dict[str, Any], ResultInfo]:
    """The record with a glance at the result, without its value: read from the service's store."""
    import asyncio

    from queuemgr.service.connecting import connected
    from queuemgr.service.flatrecord import flat
    from queuemgr.service.places import Place

    url = asking.store_url()

    async def look() -> tuple[dict[str, Any], ResultInfo]:
        async with connected(Place(url)) as connection:
            record = await connection.client.get(job_id)
            info = await connection.client.handle(job_id).result_info()
            return flat(record, _glance(info), connection.client.clock.now()), info

    try:
        return asyncio.run(look())
    except JobNotFound as error:
        raise NotFound(str(error), "queuemgr job list") from error


def _glance(info: ResultInfo) -> dict[str, Any]:
    from queuemgr.service.payloads import untagged

    return {
        "summary": True,
        "size": info.size,
        "stored": info.stored,
        "kind": info.kind,
        "length": info.length,
        "shape": info.shape,
        "lists": {key or "": length for key, length in info.lists.items()},
        "sample": untagged(info.sample),
    }
