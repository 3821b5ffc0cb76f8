"""Looks at alerts, and changes their rules and silences. It judges none and tells nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.errors import ValidationError, did_you_mean
from queuemgr.service.failures import NotAllowed, NotFound
from queuemgr.service.observe.alerting import Phase, Silence, Standing, ended, silenced
from queuemgr.service.observe.notice import shown_value
from queuemgr.service.observe.rules import EACH, LONGEST, Rule, parse
from queuemgr.service.observe.standing import CONFIGURED, Alerts

from .operation import Operation, Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.service.observe.standing import Delivery
    from queuemgr.service.told import (
        AlertAdded,
        AlertFacts,
        AlertList,
        AlertRule,
        AlertSilenced,
        DeliveryFacts,
        Removed,
        SilenceFacts,
    )

ORDER = (Phase.FIRING, Phase.PENDING, Phase.OK)


async def list_alerts(client: AsyncClient) -> AlertList:
    """The rules, how each of them stands, and who was told of it."""
    kept, now = Alerts(client.store), client.clock.now()
    silences, rules = await kept.silences(), await kept.rules()
    state = _standing(await kept.state(), {rule.name for rule in rules}, now)
    return {
        "at": now,
        "firing": sum(one.state is Phase.FIRING for one in state),
        "rules": [_rule_facts(rule) for rule in rules],
        "alerts": [_alert_facts(one, silences, now) for one in state],
        "silences": [_silence_facts(one) for one in silences],
        "deliveries": [_delivery_facts(one) for one in await kept.deliveries()],
    }


async def add_alert(
    client: AsyncClient,
    rule: str,
    severity: str = "warning",
    queue: str | None = None,
    lasting: str | float | None = None,
) -> AlertAdded:
    """`rule` is for example "queue_length > 10000 in mail for 5m". Raises ValidationError, and says how to write one.

    `queue` and `lasting` (seconds, or a text such as 5m) say what the rule itself does not; `queue` "*" judges each
    queue by itself.
    """
    made = parse(rule, severity, queue, lasting, "added")
    kept = Alerts(client.store)
    _refuse_configured(await kept.rules(), made.name)
    await kept.add_rule(made)
    return {"rule": _rule_facts(made)}


async def remove_alert(client: AsyncClient, rule: str) -> Removed:
    """Raises NotFound, and NotAllowed where a configuration would bring the rule back."""
    kept = Alerts(client.store)
    name = " ".join(rule.split())
    rules = await kept.rules()
    _refuse_configured(rules, name)
    if not await kept.remove_rule(name):
        raise _unknown(name, rules)
    return {"removed": name}


async def silence_alert(client: AsyncClient, rule: str, duration: float, why: str = "", who: str = "") -> AlertSilenced:
    """Nobody is told of the rule for `duration` seconds; "*" means all rules, 0 ends a silence.

    What still fires then is told then. Raises NotFound, ValidationError.
    """
    kept = Alerts(client.store)
    name, rules = " ".join(rule.split()), await kept.rules()
    if name != EACH and name not in {one.name for one in rules}:
        raise _unknown(name, rules)
    if not 0 <= duration <= LONGEST:
        raise ValidationError("duration", duration, f"a silence lasts 0 to {LONGEST:,.0f} seconds, not {duration:g}")
    until = client.clock.now() + duration
    await kept.silence(Silence(rule=name, until=until, who=who, why=why))
    return {"rule": name, "until": until if duration else None}


def _standing(state: Mapping[str, Standing], rules: Collection[str], now: float) -> list[Standing]:
    """Also where a rule was removed since they were judged, which is done once a minute."""
    known = (one if one.rule in rules else ended(one, now) for one in state.values())
    return sorted((one for one in known if one is not None), key=lambda one: (ORDER.index(one.state), one.key))


def _refuse_configured(rules: Sequence[Rule], name: str) -> None:
    if any(one.name == name and one.origin == CONFIGURED for one in rules):
        raise NotAllowed(
            f"the alert rule {name!r} comes from the configuration",
            "change it there and reload the service, or silence it: queuemgr alerts silence",
        )


def _unknown(name: str, rules: Sequence[Rule]) -> NotFound:
    names = [one.name for one in rules]
    return NotFound(f"there is no alert rule {name!r}: {did_you_mean(name, names)}", "queuemgr alerts list")


def _rule_facts(rule: Rule) -> AlertRule:
    return {
        "rule": rule.name,
        "metric": rule.metric,
        "operator": rule.operator,
        "threshold": rule.threshold,
        "severity": rule.severity,
        "queue": rule.queue,
        "for": rule.lasting,
        "origin": rule.origin,
    }


def _alert_facts(standing: Standing, silences: Sequence[Silence], now: float) -> AlertFacts:
    quiet = silenced(standing, silences, now)
    return {
        "rule": standing.rule,
        "queue": standing.queue,
        "severity": standing.severity,
        "state": str(standing.state),
        "since": standing.since,
        "metric": standing.metric,
        "value": standing.value,
        "shown": shown_value(standing.metric, standing.value),
        "threshold": standing.threshold,
        "fired_at": standing.fired_at,
        "silenced_until": None if quiet is None else quiet.until,
    }


def _silence_facts(silence: Silence) -> SilenceFacts:
    return {"rule": silence.rule, "until": silence.until, "who": silence.who, "why": silence.why}


def _delivery_facts(delivery: Delivery) -> DeliveryFacts:
    return {
        "at": delivery.at,
        "target": delivery.target,
        "rule": delivery.rule,
        "queue": delivery.queue,
        "event": delivery.event,
        "error": delivery.error,
    }


OPERATIONS = (
    Operation("alerts.list", list_alerts, Scope.READ, "GET /alerts", "alerts list", "alerts, rules, who was told"),
    Operation("alerts.add", add_alert, Scope.OPERATE, "POST /alerts", "alerts add", "add an alert rule or change one"),
    Operation(
        "alerts.remove", remove_alert, Scope.OPERATE, "POST /alerts/remove", "alerts remove", "forget an alert rule"
    ),
    Operation(
        "alerts.silence",
        silence_alert,
        Scope.OPERATE,
        "POST /alerts/silence",
        "alerts silence",
        "tell nobody of an alert for some time",
    ),
)
