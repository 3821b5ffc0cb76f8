"""Everything that moves, in one line: the monitor's answer where nobody looks at a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.words import counted, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = ("ready", "running", "scheduled", "dead")


def line_of(document: Mapping[str, Any], rate: float | None) -> str:
    sums = (f"{sum(q['counts'][word] for q in document['queues']):,} {word}" for word in _WORDS)
    alive = sum(worker["alive"] for worker in document["workers"])
    speed = "" if rate is None else f", {rate:.1f} jobs/s"
    clock = moment(document["at"])[11:19]
    return f"{clock} {', '.join(sums)}, {document['finished']:,} done{speed}, {counted(alive, 'worker')}"
