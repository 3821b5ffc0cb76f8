"""The measures of the last hours, days and weeks, as series that can be drawn. It measures nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.errors import ValidationError
from queuemgr.service.observe.history import DAYS, read
from queuemgr.service.observe.sample import METRICS, OF_QUEUES, check_metric

from .operation import Operation, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.service.told import History

MOST_POINTS = 2200
SHORTEST = 60.0


async def show_history(
    client: AsyncClient,
    metrics: Sequence[str] = (),
    queue: str | None = None,
    span: float = 3600.0,
    points: int = 60,
) -> History:
    """A list of at most `points` values for each metric, oldest first.

    `span` is in seconds, up to 400 days. A value is None where nothing was measured. The value at position i is that of
    the `step` seconds from `start` + i * `step` on. Raises ValidationError.
    """
    chosen = metrics or (METRICS if queue is None else OF_QUEUES)
    for metric in chosen:
        check_metric(metric, queue)
    if not SHORTEST <= span <= DAYS.kept:
        reach = f"the history reaches from 60 to {DAYS.kept:,.0f} seconds back: not {span:g}"
        raise ValidationError("span", span, reach)
    if not 1 <= points <= MOST_POINTS:
        raise ValidationError("points", points, f"there can be 1 to {MOST_POINTS:,} points, not {points}")
    now = client.clock.now()
    found = await read(client.store, now, span, points)
    return {
        "at": now,
        "start": found.start,
        "step": found.step,
        "queue": queue,
        "series": {metric: found.of(metric, queue) for metric in chosen},
    }


OPERATIONS = (
    Operation(
        "history",
        show_history,
        Scope.READ,
        "GET /history",
        "history",
        "queue length, rates, waits and the rest over the last hours, days or weeks",
    ),
)
