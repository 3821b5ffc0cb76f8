"""Leases at hand: where jobs are short, a worker claims a few ahead, and one of them begins as soon as a slot frees.

What has waited too long for that goes back to the store. It claims, runs and settles nothing itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .fault import point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .clock import Clock
    from .job import Lease
    from .task import Registry

AHEAD = 0.04
"""As many are at hand as ended within so many seconds, and so about that long is what each of them waits."""

MOST = 200
"""How many are at hand at most, however quickly jobs end."""

SHORT = 0.1
"""Where jobs hold their slots for longer than so many seconds, on the average, none is claimed ahead."""

FLOOD = 1e-4
"""Where a job holds its slot for less than this times the number of slots, jobs wait for the processor and not for the
store. One that works in this very process would only hold them up by a claim while others run; then a claim brings no
more than ENOUGH. A server works meanwhile."""

ENOUGH = 16

PATIENCE = 0.2
"""Seconds after which a lease that is still at hand is given back, for other workers."""

SHY = 5.0
"""Seconds in which none is claimed ahead after one had to be given back."""


class Hand:
    """The leases at hand of a worker with so many `slots`; `give_back` is called with those that go back.

    `remote` says that the store is a server.
    """

    def __init__(
        self,
        slots: int,
        clock: Clock,
        tasks: Registry,
        give_back: Callable[[Sequence[Lease]], None],
        *,
        remote: bool = False,
    ) -> None:
        self._slots = slots
        self._most_in_flood = MOST if remote else max(0, ENOUGH - slots)
        self._clock = clock
        self._tasks = tasks
        self._give_back = give_back
        self._leases: deque[tuple[Lease, float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._held = PATIENCE
        self._ended, self._since, self._pace = 0, clock.monotonic(), 0.0
        self._trust = 0
        self._shy_until = float("-inf")
        self._low = -1

    def __len__(self) -> int:
        return len(self._leases)

    @property
    def low(self) -> bool:
        """Whether it is worth claiming more though no slot is free."""
        return self._trust > 0 and len(self._leases) <= self._low

    @property
    def flooded(self) -> bool:
        """Whether jobs wait for the processor, and not for whatever they do."""
        return self._held < FLOOD * self._slots

    def wanted(self, free: int) -> int:
        """How many jobs to claim now: for `free` slots and ahead of them; 0 while what is at hand will do."""
        ahead = self._ahead()
        self._low = ahead // 2 if ahead else -1
        return max(0, free + ahead - len(self._leases)) if free > 0 or self.low else 0

    def ended(self, held: float) -> None:
        """A job that may wait here for its turn held its slot for so many seconds."""
        self._ended += 1
        self._held += (held - self._held) / 64

    def keep(self, leases: Sequence[Lease], *, all_came: bool) -> None:
        """Take what found no slot free, and hand back at once what may not wait. Any claim's answer ends here.

        Where not all came that was asked for, the few that there are must not wait beside other workers' free slots.
        """
        self._trust = min(MOST, 2 * self._trust + 1) if all_came else 0
        if not leases:
            return
        now = self._clock.monotonic()
        waiting = [lease for lease in leases if self._may_wait(lease)]
        self._leases.extend((lease, now) for lease in waiting)
        if len(waiting) < len(leases):
            self._hand_back([lease for lease in leases if not self._may_wait(lease)])
        if waiting:
            point("claim.ahead")
            self._be_patient(PATIENCE)

    def take(self) -> Lease | None:
        """The next one, which begins now; None where there is none."""
        if self._leases:
            self.tend()
        if not self._leases:
            return None
        lease, _ = self._leases.popleft()
        return replace(lease, started_at=max(lease.started_at, self._clock.now()))

    def drop(self, job_id: str) -> Lease | None:
        """Take out this job's lease, which must not begin any more; None where it is not at hand."""
        for entry in self._leases:
            if entry[0].id == job_id:
                self._leases.remove(entry)
                return entry[0]
        return None

    def tend(self) -> None:
        """Hand back what has waited for too long."""
        now, late = self._clock.monotonic(), []
        while self._leases and now - self._leases[0][1] >= PATIENCE:
            late.append(self._leases.popleft()[0])
        if late:
            self._hand_back(late)

    def empty(self) -> None:
        """Hand back all of it: nothing begins here any more."""
        leases = [lease for lease, _ in self._leases]
        self._leases.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if leases:
            self._give_back(leases)

    def _ahead(self) -> int:
        now = self._clock.monotonic()
        if (passed := now - self._since) >= AHEAD:
            self._pace = self._ended * AHEAD / passed
            self._ended, self._since = 0, now
        if self._held > SHORT or now < self._shy_until:
            return 0
        most = self._most_in_flood if self.flooded else MOST
        return min(self._trust, round(self._pace), most)

    def _may_wait(self, lease: Lease) -> bool:
        """Whether the job can bear it that its worker dies before it has begun."""
        task = self._tasks.get(lease.task)
        budget = None if task is None else task.options.crash_budget
        return not (lease.at_most_once or lease.crashes or (lease.options or {}).get("crash_budget", budget) == 1)

    def _hand_back(self, leases: Sequence[Lease]) -> None:
        self._trust = 0
        self._shy_until = self._clock.monotonic() + SHY
        self._give_back(leases)

    def _be_patient(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        self.tend()
        if self._leases:
            self._be_patient(max(0.0, PATIENCE - (self._clock.monotonic() - self._leases[0][1])))
