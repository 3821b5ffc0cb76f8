"""Sends the next claim of a resting worker in the moment in which it is woken: while the worker's event loop gets round
to asking, the server is at work already. What the worker then does not take is handed back by the store, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .waiting import Rest

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from queuemgr.clock import Clock
    from queuemgr.store import Claim, Claimed

    from .server import Server


@dataclass(frozen=True, slots=True)
class Sent:
    """A claim that was sent. `rest` is where the worker stands if there is too little for it."""

    given: dict[str, Any]
    rest: Rest
    asked_at: float
    answer: asyncio.Future[Any]

    def fits(self, claim: Claim, claimed: Claimed) -> bool:
        """Whether what came of it is an answer to the claim that the worker makes now."""
        same = self.rest.queues == {name for name, _ in claim.queues}
        return same and 0 < claim.limit >= len(claimed.leases)


class Ahead:
    """Those of one store, at most one of each worker."""

    def __init__(self, server: Server, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._sent: dict[str, Sent] = {}

    def prepare(self, rest: Rest, given: dict[str, Any], numbers: Iterator[str]) -> Callable[[], None] | None:
        """What sends `given` under the next number, once the worker is woken from this rest."""
        given = {**given, "number": next(numbers)}
        ask = self._server.prepared("claim", given)
        return None if ask is None else partial(self._send, rest, given, ask)

    def has(self, worker: str) -> bool:
        return worker in self._sent

    def take(self, worker: str) -> Sent | None:
        return self._sent.pop(worker, None)

    def _send(self, woken: Rest, given: dict[str, Any], ask: Callable[[], asyncio.Future[Any] | None]) -> None:
        worker = given["worker"]
        if worker not in self._sent and (answer := ask()) is not None:
            answer.add_done_callback(_hear_of_failure)
            rest = Rest(woken.ear, woken.queues, woken.ear.rung)
            self._sent[worker] = Sent(given, rest, self._clock.monotonic(), answer)


def _hear_of_failure(answer: asyncio.Future[Any]) -> None:
    # Nobody may come to ask for it, if the worker ends.
    if not answer.cancelled():
        answer.exception()
