"""Groups dead jobs by what they have in common, and says how to run each group again. It changes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from queuemgr.job import State
from queuemgr.service.why.fingerprint import Fingerprint, fingerprint_of, fixed_part
from queuemgr.store import Query

from .operation import Operation, Scope
from .searching import query_of

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord
    from queuemgr.service.told import FailureGroup, FailureGroups, Retry, RetryQuery
    from queuemgr.store import Store

STEP = 500
MOST = 5000
"""Dead jobs that one call looks at, the newest."""

EXAMPLES = 5
_NARROWING: tuple[Literal["tag", "worker", "created_after", "created_before"], ...] = (
    *("tag", "worker"),
    *("created_after", "created_before"),
)
FEW = 100
"""Jobs of a group up to which its query names them one by one, where nobody asks for the group alone."""


async def list_failures(
    client: AsyncClient,
    query: Query = Query(),  # noqa: B008 - it is frozen
    most: int = MOST,
    limit: int = 50,
    search: str = "",
    fingerprint: str | None = None,
) -> FailureGroups:
    """Of the newest `most` dead jobs the `limit` largest groups, each with a query that names its jobs.

    With `fingerprint` there is only that group, and its query names jobs one by one. Raises Misused.
    """
    now = client.clock.now()
    wanted = replace(query_of(query, search, now), states=(State.DEAD,))
    groups, scanned, complete = await _grouped(client.store, wanted, max(1, min(most, MOST)))
    chosen = [group for group in groups.values() if fingerprint in (None, group.print.id)]
    largest = sorted(chosen, key=lambda group: (group.count, group.last or 0.0), reverse=True)[:limit]
    told = [group.facts(wanted, MOST if fingerprint else FEW, complete=complete) for group in largest]
    return {"at": now, "groups": told, "scanned": scanned, "complete": complete}


async def _grouped(store: Store, query: Query, most: int) -> tuple[dict[Fingerprint, _Group], int, bool]:
    groups: dict[Fingerprint, _Group] = {}
    scanned, after = 0, None
    while scanned < most:
        page = await store.find(query, min(STEP, most - scanned), after)
        for job in page.jobs:
            print_ = fingerprint_of(job.error)
            groups.setdefault(print_, _Group(print_, job)).add(job)
        scanned += len(page.jobs)
        after = page.after
        if after is None:
            return groups, scanned, True
    return groups, scanned, False


@dataclass(slots=True)
class _Group:
    """Dead jobs that failed alike. They are added newest first."""

    print: Fingerprint
    newest: JobRecord
    count: int = 0
    first: float | None = None
    last: float | None = None
    tasks: Counter[str] = field(default_factory=Counter)
    queues: Counter[str] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)

    def add(self, job: JobRecord) -> None:
        at = job.finished_at or job.created_at
        self.count += 1
        self.first = at if self.first is None else min(at, self.first)
        self.last = at if self.last is None else max(at, self.last)
        self.tasks[job.task] += 1
        self.queues[job.queue] += 1
        self.ids.append(job.id)

    def facts(self, query: Query, most: int, *, complete: bool) -> FailureGroup:
        error = self.newest.error or {}
        return {
            "fingerprint": self.print.id,
            "type": self.print.type,
            "place": self.print.place,
            "message": self.print.message,
            "example": str(error.get("message") or error.get("reason") or ""),
            "count": self.count,
            "first": self.first,
            "last": self.last,
            "tasks": dict(self.tasks.most_common(10)),
            "queues": dict(self.queues.most_common(10)),
            "ids": self.ids[:EXAMPLES],
            "retry": self._retry(query, most, complete=complete),
            "command": f"queuemgr failures --retry {self.print.id}",
        }

    def _retry(self, query: Query, most: int, *, complete: bool) -> Retry:
        if self.count <= most:
            return {"query": {"states": ["dead"], "ids": self.ids}, "exact": True, "all": complete}
        return {"query": self._by_text(query), "exact": False, "all": True}

    def _by_text(self, query: Query) -> RetryQuery:
        """A text that stands in every such error, and perhaps in others, within what was asked for."""
        found: RetryQuery = {"states": ["dead"], "error": fixed_part(self.print.message) or self.print.type}
        if len(self.tasks) == 1:
            found["task"] = next(iter(self.tasks))
        if len(self.queues) == 1:
            found["queue"] = next(iter(self.queues))
        for name in _NARROWING:
            if getattr(query, name) is not None:
                found[name] = getattr(query, name)
        return found


OPERATIONS = (
    Operation(
        "failures.list",
        list_failures,
        Scope.READ,
        "GET /failures",
        "failures",
        "dead jobs grouped by what they have in common",
    ),
)
