"""Kills workers in the middle of their work, as a show and as a test. It knows only the demo's own workers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from queuemgr.service.words import counted

if TYPE_CHECKING:
    from .watch import View, Watch
    from .workers import Crew


@dataclass(frozen=True, slots=True)
class Killed:
    pid: int
    jobs: int


class Killer:
    """Kills `times` workers, `pause` seconds apart, each with a job in its hands that has run for half of that.

    More than two could use up the crash budget of such a job.
    """

    def __init__(self, crew: Crew, watch: Watch, times: int, pause: float) -> None:
        self.killed: list[Killed] = []
        self._crew = crew
        self._watch = watch
        self._times = times
        self._pause = pause
        self._last = time.monotonic()

    def strike(self, view: View) -> None:
        """Kill one if it is time."""
        turn = len(self.killed) + 1
        if turn > self._times or view.done < view.total * turn / (self._times + 2):
            return
        victim = next((job.pid for job in view.running if job.age >= self._pause / 2), None)
        if victim is None or time.monotonic() - self._last < self._pause or not self._crew.kill(victim):
            return
        jobs = sum(job.pid == victim for job in view.running)
        self.killed.append(Killed(victim, jobs))
        self._last = time.monotonic()
        self._watch.say("killed", f"{victim} (kill -9), in the middle of {counted(jobs, 'job')}: others take them over")
