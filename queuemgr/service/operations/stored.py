"""A job's arguments as its store has them; else why not, and what the store keeps. It changes nothing."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from queuemgr.errors import UndecodableError
from queuemgr.service.payloads import arguments_of, format_of

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.service.told.jobs import ShownArguments

MOST = 16 * 1024
# As any format writes the beginning of a value that nobody may see.
_SECRET = re.compile(rb"\$.{1,24}?secret", re.DOTALL)


async def stored_arguments(client: AsyncClient, job_id: str) -> tuple[ShownArguments, str]:
    """They, and the format in which they are. Raises JobNotFound."""
    try:
        data = await client.store.arguments(job_id)
    except UndecodableError as error:
        return await _unreadable(client, job_id, str(error)), "json"
    return await asyncio.to_thread(arguments_of, data), format_of(data)


async def _unreadable(client: AsyncClient, job_id: str, why: str) -> ShownArguments:
    """Only the queues of other systems have records of their own to show."""
    record = getattr(client.store, "raw", None)
    data: bytes = b"" if record is None else await record(job_id)
    seen: ShownArguments = {"positional": [], "named": {}, "size": len(data), "unreadable": why}
    if data and not _SECRET.search(data):
        seen["raw"] = data[:MOST].decode("utf-8", "backslashreplace")
    return seen
