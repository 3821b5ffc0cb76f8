"""What befell a job before, where that still tells why it is where it is: deaths of workers, returns, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.job import WAITING, State

from .answer import Reason
from .causes import cause_of, death_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .situation import Situation


def reasons(situation: Situation) -> Iterator[Reason]:
    record = situation.record
    if record.state not in WAITING and record.state is not State.RUNNING:
        return
    earlier = [one for one in record.attempts if one.number < record.attempt or record.state is not State.RUNNING]
    if not earlier:
        return
    last = earlier[-1]
    if last.outcome == "given back":
        yield Reason("given_back", {"worker": last.worker, "attempt": last.number})
    elif last.outcome in ("interrupted", "crashed"):
        yield death_of(last)
    elif last.outcome == "failed":
        yield cause_of(last.error or record.error, last)
