"""What a manager does all the time: measures, writes the history, judges the rules, sees that people are told.

Any number of managers may do so on one store. It works on no jobs.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from queuemgr.errors import StoreError, Unsupported
from queuemgr.service.operations.addresses import shown
from queuemgr.tally import MINUTE

from . import history
from .alerting import evaluate
from .delivering import Delivering
from .measuring import Reader, add_totals, measure_minute, measure_now
from .rules import rules_of
from .standing import CONFIGURED, Alerts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from queuemgr.client import AsyncClient

    from .config import AlertWish, Notify
    from .sample import Sample

log = logging.getLogger("queuemgr.observe")

EVERY = 10
"""Seconds from one look at the rules to the next, whoever takes it."""

LATE = 5.0
"""Seconds for which the tellings of a minute that is over are waited for."""

CATCH_UP = 10
"""Minutes for which counts wait in the store when no manager runs."""

LOOK_BACK = 48
"""So many coarse stretches are looked for at most when a manager begins."""

BEGAN = "metrics:began"
"""Is in the store once anybody has measured."""


class Sampler:
    """`tick` does what is due; `run` ticks for ever. `alerts` None leaves the rules in the store as they are."""

    def __init__(
        self,
        client: AsyncClient,
        alerts: Mapping[str, str | AlertWish] | None = None,
        notify: Sequence[Notify] = (),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._reader = Reader(client.store)
        self._alerts = Alerts(client.store)
        self._delivering = Delivering(client.store, shown(client.store), sleep)
        self._minute: int | None = None
        self._totals: Sample | None = None
        self._rolled: dict[int, int] = {}
        self._unrolled = 0
        self._turn = 0
        self.latest: Sample | None = None
        self.configure(alerts, notify)

    def configure(self, alerts: Mapping[str, str | AlertWish] | None, notify: Sequence[Notify]) -> None:
        """From the next tick on. Raises ValidationError for a rule that makes no sense."""
        self._declared = None if alerts is None else rules_of(alerts, CONFIGURED)
        self._delivering.targets = tuple(notify)

    async def run(self) -> None:
        """Until cancelled, or the store keeps no measures. One that does not answer is asked again later."""
        while True:
            try:
                await self.tick()
            except Unsupported as error:
                log.warning("this store keeps no measures, so there are no history and no alerts: %s", error)
                return
            except StoreError as error:
                log.warning("nothing could be measured: %s", error)
            except Exception:
                log.exception("a measurement failed; the next one is made as usual")
            await self._sleep(EVERY - self._client.clock.now() % EVERY + 0.05)

    async def close(self) -> None:
        await self._delivering.close()

    async def settled(self) -> None:
        """Return once nobody is being told of anything."""
        await self._delivering.settled()

    async def tick(self) -> None:
        """What is due at this moment. Raises StoreError."""
        if self._declared is not None:
            await self._alerts.declare(self._declared)
            self._declared = None
        now = self._client.clock.now()
        await self._write_history(int(now - LATE) // MINUTE - 1)
        turn = int(now) // EVERY
        if turn != self._turn:
            self._turn = turn
            if await self._client.store.key_put_if_absent(f"alerts:turn:{turn}", b"1", 6.0 * EVERY):
                await self._judge(now)
        if self._delivering.targets and (state := await self._alerts.state()):
            await self._delivering.look(state, await self._alerts.silences())

    async def _judge(self, now: float) -> None:
        rules, before = await self._alerts.rules(), await self._alerts.state()
        if rules or before:
            self.latest = await measure_now(self._client, self._reader)
            await self._alerts.replace_state(evaluate(rules, self.latest, before, now))

    async def _write_history(self, last: int) -> None:
        """Every minute up to `last` that nobody has written."""
        if self._minute == last:
            return
        first = last if self._minute is None else self._minute + 1
        if self._minute is None:
            first = await self._begin(last)
        for minute in range(max(first, last - CATCH_UP), last + 1):
            await self._write_minute(minute, look=minute == last)
        self._minute = last
        await self._roll_up(history.MINUTES, history.TENS, last)
        await self._roll_up(history.TENS, history.HOURS, last)
        await self._roll_up(history.HOURS, history.DAYS, last)

    async def _begin(self, last: int) -> int:
        """The first minute to write; what was counted before it, and since when longer stretches may be missing."""
        store, kept = self._client.store, int(history.MINUTES.kept) // MINUTE
        if await store.key_put_if_absent(BEGAN, b"1"):
            self._unrolled = last
            return last - CATCH_UP
        for start in range(last, last - kept, -60):
            numbers = range(start, start - 60, -1)
            for number, sample in zip(numbers, await history.get(store, history.MINUTES, numbers), strict=True):
                if sample is not None:
                    self._totals, self._unrolled = sample, number
                    return number + 1
        self._unrolled = 0
        return last - CATCH_UP

    async def _write_minute(self, minute: int, *, look: bool) -> None:
        store = self._client.store
        found = (await history.get(store, history.MINUTES, [minute]))[0]
        if found is None:
            sample = await measure_minute(self._client, self._reader, minute, look=look)
            if not look and not sample.counts:
                return
            sample.totals = add_totals(self._totals.totals if self._totals else (), sample.totals)
            if await history.put(store, history.MINUTES, minute, sample):
                found = sample
            else:
                found = (await history.get(store, history.MINUTES, [minute]))[0] or sample
        self._totals = found

    async def _roll_up(self, fine: history.Step, coarse: history.Step, last: int) -> None:
        end = coarse.at((last + 1) * MINUTE)
        reach = max(coarse.at(self._unrolled * MINUTE), end - min(LOOK_BACK, int(fine.kept) // coarse.seconds))
        first = self._rolled.get(coarse.seconds, reach)
        for number in range(first, end):
            await history.roll_up(self._client.store, fine, coarse, number)
        self._rolled[coarse.seconds] = end


@asynccontextmanager
async def observing(
    client: AsyncClient, alerts: Mapping[str, str | AlertWish] | None = None, notify: Sequence[Notify] = ()
) -> AsyncIterator[Sampler]:
    """Measure and alert for as long as the context is open. Raises ValidationError for a rule that makes no sense."""
    sampler = Sampler(client, alerts, notify)
    running = asyncio.create_task(sampler.run(), name="queuemgr observe")
    try:
        yield sampler
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await sampler.close()
