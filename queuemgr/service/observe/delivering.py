"""Sees to it that every target hears of every alert: at least once, by one manager at a time. It judges no alert."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from queuemgr.errors import StoreError

from .alerting import Phase, silenced
from .notice import notice_of
from .sending import NotDelivered, send
from .standing import KEPT, Alerts, Delivery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from queuemgr.store import Store

    from .alerting import Silence, Standing
    from .config import Notify
    from .notice import Notice

log = logging.getLogger("queuemgr.observe")

CLAIM = 600.0
"""Seconds for which one manager tries to tell a target; if it did not by then, any manager tries again."""

PAUSES = (1.0, 5.0)
"""Seconds between the tries of one delivery."""


class Delivering:
    """`targets` are told. `sleep` is how a try waits for the next one; notices call the store `store_name`."""

    def __init__(
        self,
        store: Store,
        store_name: str,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self.targets: tuple[Notify, ...] = ()
        self._store_name = store_name
        self._sleep = sleep
        self._alerts = Alerts(store)
        self._known: set[str] = set()
        self._running: set[asyncio.Task[None]] = set()

    async def look(self, standings: Mapping[str, Standing], silences: Sequence[Silence]) -> None:
        """Begin to tell whoever has not been told of what stands now. Raises StoreError."""
        now = self._store.clock.now()
        for standing in standings.values():
            event = "firing" if standing.state is Phase.FIRING else "resolved" if standing.over else None
            if event is None or silenced(standing, silences, now):
                continue
            notice = notice_of(standing, event, now, self._store_name)
            for target in self.targets:
                if target.severities and standing.severity not in target.severities:
                    continue
                if await self._is_due(target, standing, notice):
                    self._begin(target, notice)

    async def settled(self) -> None:
        """Return once nothing is being delivered."""
        while self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        """Break off what is being delivered: another manager, or the next start, tries it again."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _is_due(self, target: Notify, standing: Standing, notice: Notice) -> bool:
        mark = _mark(target, notice.id)
        if mark in self._known:
            return False
        if notice.event == "resolved":
            # Who never heard of an alert need not hear that it is over.
            fired = _mark(target, notice_of(standing, "firing", notice.at, "").id)
            if await self._store.key_get(fired) is None:
                return False
        if await self._store.key_get(mark) is not None:
            self._known.add(mark)
            return False
        return await self._store.key_put_if_absent(f"{mark}:claim", b"1", CLAIM)

    def _begin(self, target: Notify, notice: Notice) -> None:
        task = asyncio.create_task(self._deliver(target, notice), name=f"queuemgr tell {target.name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _deliver(self, target: Notify, notice: Notice) -> None:
        error = await self._try(target, notice)
        if error is not None:
            log.error("%s could not be told of an alert (%s): %s", target.name, notice.text, error)
        delivery = Delivery(
            at=self._store.clock.now(),
            target=target.name,
            rule=notice.rule,
            queue=notice.queue,
            event=notice.event,
            error=error,
        )
        mark = _mark(target, notice.id)
        try:
            if error is None:
                await self._store.key_put_if_absent(mark, b"1", KEPT)
                self._known.add(mark)
            await self._alerts.record(delivery)
        except StoreError as problem:
            log.warning("it could not be written down that %s was told: %s", target.name, problem)

    async def _try(self, target: Notify, notice: Notice) -> str | None:
        """What went wrong at last."""
        for pause in (*PAUSES, None):
            try:
                await _in_thread(lambda: send(target, notice))
                return None
            except NotDelivered as error:
                if pause is None or not error.again:
                    return str(error)
            except Exception as error:
                log.exception("telling %s of an alert failed", target.name)
                return f"{type(error).__name__}: {error}"
            await self._sleep(pause)
        return None


async def _in_thread(work: Callable[[], None]) -> None:
    """Like asyncio.to_thread, but a loop that ends does not wait for a receiver that hangs."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        try:
            work()
            problem = None
        except Exception as error:
            problem = error
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, problem)

    threading.Thread(target=run, name="queuemgr tell", daemon=True).start()
    await done


def _mark(target: Notify, notice_id: str) -> str:
    place = (target.webhook, *target.email, *target.command)
    return f"alerts:told:{hashlib.sha256(repr((place, notice_id)).encode()).hexdigest()[:40]}"
