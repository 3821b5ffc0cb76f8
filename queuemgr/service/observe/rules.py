"""Alert rules as people write them: "queue_length > 10000 in mail for 5m". It evaluates none of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from queuemgr.errors import ValidationError

from .sample import METRICS, check_metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .config import AlertWish

EXAMPLE = '"queue_length > 10000", "failure_rate > 5% in mail for 5m", "avg_latency > 60s"'
EACH = "*"
"""As the queue of a rule: each queue is judged by itself."""

LONGEST = 7 * 86400.0

_RULE = re.compile(
    r"""\s*(?P<metric>\w+)\s*(?P<operator>[<>]=?)\s*(?P<number>\d[\d_,]*(?:\.\d+)?|\.\d+)\s*(?P<unit>%|/?\s*[a-zA-Z]*)
        (?:\s+in\s+(?P<queue>\S+))?(?:\s+for\s+(?P<lasting>\S.*?))?\s*""",
    re.VERBOSE,
)
_RATIOS = {"": 1.0, "%": 0.01}
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30}
_RATES = {"": 1.0, "/s": 1.0, "/m": 1 / 60, "/min": 1 / 60, "/h": 1 / 3600}
_NUMBERS = {"": 1.0, "k": 1e3}
_UNITS: Mapping[str, Mapping[str, float]] = {
    **dict.fromkeys(METRICS, _NUMBERS),
    **dict.fromkeys(("failure_rate", "worker_utilization"), _RATIOS),
    **dict.fromkeys(("avg_latency", "avg_wait", "oldest_wait"), _SECONDS),
    "processing_rate": _RATES,
    "memory": _BYTES,
}
_ALIASES = {"utilization": "worker_utilization", "latency": "avg_latency", "rate": "processing_rate"}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is the rule as it was written. It fires once the condition has held for `lasting` seconds."""

    name: str
    metric: str
    operator: str
    threshold: float
    severity: str = "warning"
    queue: str | None = None
    lasting: float = 0.0
    origin: str = ""

    def holds(self, value: float | None) -> bool:
        """False where nothing is known."""
        if value is None:
            return False
        match self.operator:
            case ">":
                return value > self.threshold
            case ">=":
                return value >= self.threshold
            case "<":
                return value < self.threshold
        return value <= self.threshold


def parse(
    text: str, severity: str = "warning", queue: str | None = None, lasting: str | float | None = None, origin: str = ""
) -> Rule:
    """A rule from its words. What the words say of queue and duration wins. Raises ValidationError."""
    found = _RULE.fullmatch(text)
    if found is None:
        raise _wrong(text, f"write METRIC > NUMBER, then perhaps `in QUEUE` and `for DURATION`: {EXAMPLE}")
    metric = _ALIASES.get(found["metric"], found["metric"])
    queue = found["queue"] or queue
    check_metric(metric, queue)
    if not severity.strip():
        raise _wrong(text, "its severity is empty: write a word such as warning or high_priority")
    return Rule(
        name=" ".join(text.split()),
        metric=metric,
        operator=found["operator"],
        threshold=_threshold(text, metric, found["number"], found["unit"]),
        severity=severity.strip(),
        queue=queue,
        lasting=_lasting(text, found["lasting"] or lasting),
        origin=origin,
    )


def rules_of(wishes: Mapping[str, str | AlertWish], origin: str) -> list[Rule]:
    """The rules of a configuration. Raises ValidationError."""
    rules = []
    for text, wish in wishes.items():
        if isinstance(wish, str):
            rules.append(parse(text, wish, origin=origin))
        else:
            rules.append(parse(text, wish.severity, wish.queue, wish.lasting, origin))
    return rules


def duration_of(text: str) -> float | None:
    """Seconds in `90`, `5m` or `1h30m`; None where it is none of them."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != re.sub(r"\s", "", text):
        return None
    if any(unit not in _SECONDS for _, unit in parts):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _threshold(text: str, metric: str, number: str, unit: str) -> float:
    units = _UNITS[metric]
    unit = unit.replace(" ", "").lower()
    if unit not in units:
        known = ", ".join(one for one in units if one)
        raise _wrong(text, f"{metric} has no unit {unit!r}: write a number alone or with {known}")
    value = float(re.sub("[_,]", "", number))
    if units is _RATIOS and not unit and value > 1:
        raise _wrong(text, f"{metric} is a share: write {number}% or {value / 100:g}")
    return value * units[unit]


def _lasting(text: str, lasting: str | float | None) -> float:
    if lasting is None:
        return 0.0
    seconds = duration_of(lasting) if isinstance(lasting, str) else float(lasting)
    if seconds is None or not 0 <= seconds <= LONGEST:
        raise _wrong(text, f"{lasting!r} is no duration of at most 7 days: write 30s, 5m or 1h30m after `for`")
    return seconds


def _wrong(text: str, what: str) -> ValidationError:
    return ValidationError("rule", text, f"{text!r:.200} is no alert rule: {what}")
