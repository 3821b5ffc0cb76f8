"""A named rule, and the job that it enqueues each time. When that is, recurrence.py tells; nothing runs here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from .errors import BadSchedule, ConfigError, did_you_mean
from .job import Job, new_id
from .recurrence import Cron, Every, Missed, Rule, parse_rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`job` is the pattern of the jobs that it enqueues. A paused schedule passes its firings by."""

    name: str
    rule: Rule
    job: Job
    missed: Missed = Missed.ONCE
    paused: bool = False

    @classmethod
    def of(cls, name: str, rule: Rule | str, job: Job, *, zone: str = "UTC", missed: str = "once") -> Schedule:
        """`rule` as a person writes it, or ready made. Raises BadSchedule, ConfigError."""
        if not (name and name.isprintable()):
            raise ConfigError(f"a schedule needs a name of printable characters, not {name!r}")
        policy = _policy(missed)
        ready = parse_rule(rule, zone) if isinstance(rule, str) else rule
        if not isinstance(ready, (Cron, Every)):
            raise BadSchedule(
                f"{rule!r} is not a schedule: write for example 'every 90s' or '0 3 * * *', or give a Rule"
            )
        return cls(name=name, rule=ready, job=job, missed=policy)

    def changed(self, *, paused: bool | None = None, missed: str | None = None) -> Schedule:
        """Raises ConfigError."""
        return replace(
            self,
            paused=self.paused if paused is None else paused,
            missed=self.missed if missed is None else _policy(missed),
        )

    def job_at(self, moment: float) -> Job:
        """A new job for the firing at `moment`, in epoch seconds."""
        return msgspec.structs.replace(self.job, id=new_id(), created_at=moment, run_at=None)


def _policy(missed: str) -> Missed:
    if missed not in list(Missed):
        words = did_you_mean(str(missed), map(str, Missed))
        raise ConfigError(f"unknown policy for missed firings {missed!r}: {words}")
    return Missed(missed)


def encode_schedule(schedule: Schedule) -> str:
    """As text that a store can keep."""
    kind = "every" if isinstance(schedule.rule, Every) else "cron"
    fields: dict[str, Any] = {"kind": kind, "rule": schedule.rule, "job": schedule.job}
    fields |= {"name": schedule.name, "missed": schedule.missed, "paused": schedule.paused}
    return msgspec.json.encode(fields).decode()


def decode_schedule(text: str) -> Schedule:
    fields = msgspec.json.decode(text)
    kind: type[Every] | type[Cron] = Every if fields["kind"] == "every" else Cron
    rule: Rule = msgspec.convert(fields["rule"], kind)
    job = msgspec.convert(fields["job"], Job)
    return Schedule(name=fields["name"], rule=rule, job=job, missed=Missed(fields["missed"]), paused=fields["paused"])
