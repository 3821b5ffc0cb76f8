"""Carries verdicts out: what ended together is settled together, and what the store did not take is tried again.

A settlement that was lost with its worker is not lost: the lease dies with the worker and the job runs again.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from .errors import StoreError
from .executor import describe, names_of
from .job import State
from .outcome import Cancelled, Crashed, Done, Failed, Verdict, judge
from .store import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable

    from .job import Lease
    from .options import Policy
    from .outcome import Outcome
    from .store import Report, Store
    from .tally import Tally

log = logging.getLogger("queuemgr.worker")

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
MOST_LOGGED = 500  # characters of an error


def settlement_of(lease: Lease, outcome: Outcome, verdict: Verdict, worker: str, now: float) -> Settlement:
    """The record of a run's end."""
    match outcome:
        case Done(result, peak_memory):
            return Settlement(lease, worker, verdict, now, result=result, peak_memory=peak_memory)
        case Failed(error=error, peak_memory=peak_memory, result=result):
            return Settlement(lease, worker, verdict, now, result=result, error=error, peak_memory=peak_memory)
        case Cancelled(result=bytes(result)):
            return Settlement(lease, worker, verdict, now, result=result)
        case Crashed(error, exit_signal, peak_memory):
            return Settlement(
                lease, worker, verdict, now, error=error, exit_signal=exit_signal, peak_memory=peak_memory
            )
        case _:
            return Settlement(lease, worker, verdict, now)


def settlement_after(lease: Lease, outcome: Outcome, policy: Policy, worker: str, now: float) -> Settlement:
    """The record of a run's end with what follows from it: that is for `judge` to say."""
    try:
        verdict = judge(lease, outcome, policy, now)
    except Exception as error:  # the task's own backoff function
        outcome = Failed(describe(error), names_of(error), retry=False)
        verdict = judge(lease, outcome, policy, now)
    return settlement_of(lease, outcome, verdict, worker, now)


class Settler:
    """The way of settlements and reports to the store. While one commit is under way, the next batch gathers.

    What was settled is counted in the `tally`, where there is one.
    """

    def __init__(self, store: Store, on_stale: Callable[[Lease], None], tally: Tally | None = None) -> None:
        self._tally = tally
        self._store = store
        self._on_stale = on_stale
        self._settlements: list[Settlement] = []
        self._reports: list[Report] = []
        self._flushing: asyncio.Task[None] | None = None

    def settle(self, settlement: Settlement, report: Report | None = None) -> None:
        if report is not None:
            self._reports.append(report)
        self._settlements.append(settlement)
        self._flush()

    def report(self, reports: list[Report]) -> None:
        if reports:
            self._reports += reports
            self._flush()

    @property
    def idle(self) -> bool:
        return self._flushing is None

    async def drain(self) -> None:
        """Return once the store has taken everything."""
        while self._flushing is not None:
            await asyncio.shield(self._flushing)

    async def close(self) -> None:
        """`drain`, and tell what was counted."""
        await self.drain()
        if self._tally is not None:
            await self._tally.tell()

    def give_up(self) -> None:
        """Leave what the store has not taken. Its jobs run again when the store finds their worker gone."""
        if self._flushing is not None:
            self._flushing.cancel()
            log.warning(
                "the store did not take the ends of the last jobs: once it finds this worker gone, they run again"
            )

    def _flush(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._carry_out(), name="queuemgr settle")

    async def _carry_out(self) -> None:
        pause = FIRST_PAUSE
        try:
            while self._settlements or self._reports:
                reports, self._reports = self._reports, []
                settlements, self._settlements = self._settlements, []
                try:
                    if reports:
                        await self._store.report(reports)
                        reports = []
                    await self._settle(settlements)
                    pause = FIRST_PAUSE
                except StoreError as error:
                    self._reports, self._settlements = (
                        reports + self._reports,
                        settlements + self._settlements,
                    )
                    log.warning("%d settlements wait, the store did not take them: %s", len(settlements), error)
                    pause = await _rest(pause)
                except Exception:
                    log.exception("a report or the end of a job cannot be written down; each is tried by itself")
                    if not await self._each_by_itself(reports, settlements):
                        pause = await _rest(pause)
        finally:
            self._flushing = None

    async def _each_by_itself(self, reports: list[Report], settlements: list[Settlement]) -> bool:
        """What cannot be written down must not keep the rest: such a report is dropped, such a run has failed.

        False where something has to be tried again.
        """
        for report in reports:
            with suppress(Exception):
                await self._store.report([report])
        left = [rest for settlement in settlements if (rest := await self._by_itself(settlement)) is not None]
        self._settlements += left
        return not left

    async def _by_itself(self, settlement: Settlement) -> Settlement | None:
        """What is left to settle."""
        try:
            await self._settle([settlement])
        except StoreError:
            return settlement
        except Exception as error:
            failed = _unwritable(settlement, error)
            try:
                await self._settle([failed])
            except Exception:
                return failed
        return None

    async def _settle(self, settlements: list[Settlement]) -> None:
        if not settlements:
            return
        taken = await self._store.settle(settlements)
        if self._tally is not None:
            self._tally.count(settlements, taken)
        for settlement, fresh in zip(settlements, taken, strict=True):
            if not fresh:
                self._on_stale(settlement.lease)
            elif settlement.verdict.state is not State.SUCCEEDED:
                _log(settlement)


async def _rest(pause: float) -> float:
    """Wait; how long to wait the next time."""
    await asyncio.sleep(pause)
    return min(2 * pause, LONGEST_PAUSE)


def _log(ended: Settlement) -> None:
    """Failures are told where people look for them first. The traceback stands with the job."""
    error = ended.error or {}
    words = ": ".join(str(error[part]) for part in ("type", "message") if error.get(part))
    told = (words or ended.verdict.reason or ended.verdict.word)[:MOST_LOGGED]
    if ended.verdict.state is State.DEAD:
        log.warning("job %s (%s) is dead: %s", ended.lease.id, ended.lease.task, told)
    elif ended.verdict.failed or ended.verdict.crashed:
        log.info("job %s (%s) failed and is tried again: %s", ended.lease.id, ended.lease.task, told)


def _unwritable(ended: Settlement, error: Exception) -> Settlement:
    reason = f"its end ({ended.verdict.word}) could not be written down: {error!a}"
    verdict = Verdict(State.DEAD, "failed", failed=True, reason=reason)
    return Settlement(ended.lease, ended.worker, verdict, ended.ended_at)
