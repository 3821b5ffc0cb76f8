"""What a worker counts of its own runs, and how it tells the store: every ten seconds and as it stops.

A worker that is killed takes at most ten seconds of counts along. It reads nothing back and judges nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from .errors import StoreError, Unsupported
from .job import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .clock import Clock
    from .job import Lease
    from .store import Settlement, Store

log = logging.getLogger("queuemgr.worker")

EVERY = 10.0
"""Seconds from one telling to the next."""

MINUTE = 60
KEPT = 900.0
"""Seconds for which what was told waits for a manager that adds it to the history."""

MOST_ROWS, OTHER = 500, "(other)"
"""So many pairs of queue and task are counted by name; what comes later is counted together."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Count(msgspec.Struct, array_like=True):
    """Runs that ended, and seconds. `waits` says of how many runs `wait` is the sum."""

    done: int = 0
    failed: int = 0
    retried: int = 0
    dead: int = 0
    run: float = 0.0
    wait: float = 0.0
    waits: int = 0

    def add(self, other: Count) -> None:
        self.done += other.done
        self.failed += other.failed
        self.retried += other.retried
        self.dead += other.dead
        self.run += other.run
        self.wait += other.wait
        self.waits += other.waits


class Told(msgspec.Struct, array_like=True):
    """One telling: what ended in the `seconds` before `at`. `busy` are the slot seconds in which something ran."""

    worker: str
    at: float
    seconds: float
    slots: int
    busy: float
    memory: int
    rows: list[tuple[str, str, Count]]


class Running(Protocol):
    """A job in a worker's hands."""

    @property
    def lease(self) -> Lease: ...


class Tally:
    """Counts for one worker, whose jobs in hand stand in `running`."""

    def __init__(self, store: Store, worker: str, slots: int, running: Mapping[Any, Running]) -> None:
        self._store = store
        self._worker = worker
        self._slots = slots
        self._running = running
        self._rows: dict[tuple[str, str], Count] = {}
        self._busy = 0.0
        self._since: float | None = None
        self._waiting: list[tuple[str, bytes]] = []
        self._refused = False
        self._telling = asyncio.Lock()

    @property
    def _clock(self) -> Clock:
        return self._store.clock

    def count(self, settlements: Sequence[Settlement], taken: Sequence[bool]) -> None:
        """Add runs that have just been settled; those that the store did not take are not counted."""
        rows, since, busy, look, good = self._rows, self._since or 0.0, self._busy, True, State.SUCCEEDED
        for ended, fresh in zip(settlements, taken, strict=True):
            if not fresh:
                continue
            lease, verdict, at = ended.lease, ended.verdict, ended.ended_at
            began = lease.started_at
            spent = at - began
            busy += spent if began >= since else at - since
            if verdict.state is not good and not (verdict.failed or verdict.crashed):
                continue
            row = rows.get((lease.queue, lease.task)) or self._row(lease)
            row.run += spent
            if verdict.state is good:
                row.done += 1
            else:
                _count_failure(row, dead=verdict.state is State.DEAD)
            if look:
                # One of those that are settled together stands for all: to read every id would cost too much.
                look = _count_wait(row, lease)
        self._busy = busy

    async def tend(self) -> None:
        """Tell the store if it is time. Called again and again; raises nothing."""
        if self._since is None:
            self._since = self._clock.now()
        elif self._clock.now() - self._since >= EVERY:
            await self.tell()

    async def tell(self) -> None:
        """Tell the store what there is. What it does not take now is told with the next."""
        async with self._telling:
            await self._tell()

    async def _tell(self) -> None:
        self._gather()
        if self._refused:
            self._waiting.clear()
        try:
            while self._waiting:
                key, told = self._waiting[0]
                if not key:
                    key = await self._numbered()
                    self._waiting[0] = key, told
                # The same key again after an answer that was lost: nothing counts twice.
                await self._store.key_put_if_absent(key, told, KEPT)
                self._waiting.pop(0)
        except Unsupported as error:
            self._refused = True
            log.info("this store keeps no counts, so nothing is measured: %s", error)
        except StoreError as error:
            del self._waiting[:-90]
            log.warning("what this worker has counted could not be told: %s", error)

    def _gather(self) -> None:
        now = self._clock.now()
        since = now if self._since is None else self._since
        begun = (run.lease.started_at for run in self._running.values())
        busy = max(0.0, self._busy) + sum(max(0.0, now - max(began, since)) for began in begun)
        rows = [(queue, task, count) for (queue, task), count in self._rows.items()]
        self._since, self._busy, self._rows = now, 0.0, {}
        if now > since or rows:
            told = Told(self._worker, now, max(0.0, now - since), self._slots, busy, memory_of_tree(), rows)
            self._waiting.append(("", msgspec.json.encode(told)))

    async def _numbered(self) -> str:
        counter = minute_key(int(self._clock.now()) // MINUTE)
        return f"{counter}:{await self._store.key_add(counter, 1, KEPT)}"

    def _row(self, lease: Lease) -> Count:
        key = (lease.queue, lease.task) if len(self._rows) < MOST_ROWS else (OTHER, OTHER)
        return self._rows.setdefault(key, Count())


def minute_key(minute: int) -> str:
    """Where the number of tellings of a minute stands; the tellings themselves stand at `:1`, `:2` and so on."""
    return f"tally:{minute}"


def memory_of_tree() -> int:
    """Bytes of this process and of the processes that it has started; 0 where the system does not tell."""
    try:
        children = [
            child
            for thread in Path("/proc/self/task").iterdir()
            for child in (thread / "children").read_text(encoding="ascii").split()
        ]
    except OSError:
        children = []
    return sum(map(_memory, ("self", *children)))


def _memory(process: str) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _count_failure(row: Count, *, dead: bool) -> None:
    row.failed += 1
    if dead:
        row.dead += 1
    else:
        row.retried += 1


def _count_wait(row: Count, lease: Lease) -> bool:
    """Whether another one must be looked at: only a first attempt has waited, and an id must tell since when."""
    if lease.attempt != 1 or len(lease.id) != 36 or lease.id[14] != "7":
        return True
    try:
        made = int(lease.id[:8] + lease.id[9:13], 16) / 1000
    except ValueError:
        return True
    row.wait += max(0.0, lease.started_at - made)
    row.waits += 1
    return False
