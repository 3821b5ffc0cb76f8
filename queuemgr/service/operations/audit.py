"""Looks at the list of what was changed and by whom. It writes nothing into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.service.access.audit import entries
from queuemgr.service.failures import Misused

from .operation import Operation, Scope

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.service.access.audit import Entry
    from queuemgr.service.told import AuditEntry, AuditPage

MOST = 500


async def list_audit(client: AsyncClient, limit: int = 50, after: int | None = None) -> AuditPage:
    """At most `limit` entries, newest first; `after` is that of the page before. Raises Misused."""
    if not 1 <= limit <= MOST:
        raise Misused(f"a page has 1 to {MOST} entries, not {limit}")
    if after is not None and not 0 < after < 1 << 53:
        raise Misused(f"{after} is no number of an entry", 'take it from "after" of the page before')
    found, following = await entries(client, limit, after)
    return {"at": client.clock.now(), "entries": [_facts(one) for one in found], "after": following}


def _facts(entry: Entry) -> AuditEntry:
    return {
        "number": entry.number,
        "at": entry.at,
        "who": entry.who,
        "via": entry.via,
        "address": entry.address,
        "operation": entry.operation,
        "arguments": entry.arguments,
        "outcome": entry.outcome,
    }


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
