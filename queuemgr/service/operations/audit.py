"""Looks at the list of what was changed and by whom. It writes nothing into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from queuemgr.service.access.audit import entries
from queuemgr.service.facts import Facts
from queuemgr.service.failures import Misused

from .operation import Operation, Scope

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient

MOST = 500


async def list_audit(client: AsyncClient, limit: int = 50, after: int | None = None) -> Facts:
    """{"at", "entries", "after"}, newest first; "after" asks for the next page and is null at the end.

    An entry has "number", "at", "who", "via", "address", "operation", "arguments" and "outcome". Raises Misused.
    """
    if not 1 <= limit <= MOST:
        raise Misused(f"a page has 1 to {MOST} entries, not {limit}")
    if after is not None and not 0 < after < 1 << 53:
        raise Misused(f"{after} is no number of an entry", 'take it from "after" of the page before')
    found, following = await entries(client, limit, after)
    return {"at": client.clock.now(), "entries": [msgspec.to_builtins(one) for one in found], "after": following}


OPERATIONS = (
    Operation(
        "audit.list",
        list_audit,
        Scope.ADMINISTER,
        "GET /audit",
        "audit",
        "what was changed, by whom and when, newest first",
    ),
)
