"""Which alerts stand, and what follows from a new measurement: ok, pending or firing. Pure: it tells nobody."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from .rules import EACH
from .sample import figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .rules import Rule
    from .sample import Sample

REMEMBERED = 3600.0
"""Seconds for which an alert that is over is still shown and told."""


class Phase(StrEnum):
    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One rule for one queue, or for all together. `since` is when its state began; `fired_at` when it last fired."""

    rule: str
    queue: str | None
    metric: str
    operator: str
    threshold: float
    severity: str
    state: Phase
    since: float
    value: float | None
    fired_at: float | None = None

    @property
    def key(self) -> str:
        return f"{self.rule} @ {self.queue or ''}"

    @property
    def over(self) -> bool:
        return self.state is not Phase.FIRING and self.fired_at is not None


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody is told of a rule ("*" for all of them) until that moment."""

    rule: str
    until: float
    who: str
    why: str

    def covers(self, standing: Standing, now: float) -> bool:
        return self.rule in (EACH, standing.rule) and now < self.until


def evaluate(rules: Iterable[Rule], sample: Sample, before: Mapping[str, Standing], now: float) -> dict[str, Standing]:
    """What stands now, by its key. What was firing and has no rule any more is over."""
    after: dict[str, Standing] = {}
    for rule in rules:
        for queue in _queues_of(rule, sample, before):
            made = judge(rule, queue, figure(sample, rule.metric, queue), before, now)
            after[made.key] = made
    for key, old in before.items():
        if key not in after and (over := ended(old, now)) is not None:
            after[key] = over
    return after


def judge(rule: Rule, queue: str | None, value: float | None, before: Mapping[str, Standing], now: float) -> Standing:
    """One rule for one queue."""
    fresh = Standing(
        rule=rule.name,
        queue=queue,
        metric=rule.metric,
        operator=rule.operator,
        threshold=rule.threshold,
        severity=rule.severity,
        state=Phase.OK,
        since=now,
        value=value,
    )
    old = before.get(fresh.key, fresh)
    fired_at = old.fired_at
    if not rule.holds(value):
        state = Phase.OK
        if old.state is Phase.OK and fired_at is not None and now - old.since > REMEMBERED:
            fired_at = None
    elif old.state is Phase.FIRING:
        state = Phase.FIRING
    else:
        held = now - old.since if old.state is Phase.PENDING else 0.0
        state = Phase.FIRING if held >= rule.lasting else Phase.PENDING
        # A new episode: what was told of the last one is over.
        fired_at = now if state is Phase.FIRING else None
    since = old.since if state is old.state else now
    return msgspec.structs.replace(fresh, state=state, since=since, fired_at=fired_at)


def silenced(standing: Standing, silences: Sequence[Silence], now: float) -> Silence | None:
    """What keeps it quiet."""
    return next((one for one in silences if one.covers(standing, now)), None)


def ended(old: Standing, now: float) -> Standing | None:
    """How an alert stands whose rule is gone; None where nothing has to be told of it any more."""
    if old.state is Phase.FIRING:
        return msgspec.structs.replace(old, state=Phase.OK, since=now, value=None)
    if old.over and now - old.since <= REMEMBERED:
        return old
    return None


def _queues_of(rule: Rule, sample: Sample, before: Mapping[str, Standing]) -> Iterator[str | None]:
    if rule.queue != EACH:
        yield rule.queue
        return
    names = {*(sample.gauges or ()), *sample.counts}
    names |= {old.queue for old in before.values() if old.rule == rule.name and old.queue is not None}
    yield from sorted(names)
