"""Gives jobs that wait another priority. It changes nothing else of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.service.failures import Misused

from .changing import PRIORITISE, meant, with_ids
from .operation import Operation, Scope
from .searching import query_of

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.service.told import JobsPrioritised
    from queuemgr.store import Query


async def prioritise_jobs(client: AsyncClient, query: Query, priority: int, search: str = "") -> JobsPrioritised:
    """Every waiting job that fits gets the priority, 0 to 9: 9 runs first. Running and finished ones are left alone.

    `search` narrows the query, as in `jobs.count`, which tells before how many that will be, with the verb
    `prioritise`. Raises Misused for another number.
    """
    if not 0 <= priority <= 9:
        raise Misused(f"a priority is 0 to 9, not {priority}", "9 runs first, and 0 is the usual one")
    query = await with_ids(client, query_of(query, search, client.clock.now()))
    narrowed = meant(PRIORITISE, query)
    changed = await client.prioritise(narrowed, priority) if narrowed.states else 0
    return {"priority": priority, "changed": changed}


OPERATIONS = (
    Operation(
        "jobs.prioritise",
        prioritise_jobs,
        Scope.OPERATE,
        "PUT /jobs/priority",
        "jobs prioritise",
        "give waiting jobs another priority",
    ),
)
