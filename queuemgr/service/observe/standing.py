"""Where rules, silences and the state of alerts are kept, so that every manager knows the same. It judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from .alerting import Silence, Standing
from .rules import Rule
from .shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from queuemgr.store import Store

CONFIGURED = "configuration"
STATE = "alerts:state"
T = TypeVar("T")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to tell somebody. `error` says why it did not work."""

    at: float
    target: str
    rule: str
    queue: str | None
    event: str
    error: str | None = None


KEPT = 7 * 86400.0


class Alerts:
    """What the store knows of alerts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules = Shelf(store, "alerts:rules")
        self._silences = Shelf(store, "alerts:silences")
        self._deliveries = Shelf(store, "alerts:deliveries")

    async def rules(self) -> list[Rule]:
        """Each name once; what was added last counts."""
        return list({rule.name: rule for _, _, rule in await _read(self._rules, Rule)}.values())

    async def add_rule(self, rule: Rule) -> None:
        """Add it, or put it in the place of one of the same name."""
        number = await self._rules.add(_json(rule))
        await self._remove_rules(lambda one: one.name == rule.name, before=number)

    async def remove_rule(self, name: str) -> bool:
        """False where there is none."""
        return await self._remove_rules(lambda one: one.name == name) > 0

    async def declare(self, rules: Sequence[Rule]) -> None:
        """Let the rules that come from a configuration be these and no others."""
        known = {rule.name: rule for rule in await self.rules()}
        names = {rule.name for rule in rules}
        for rule in rules:
            if known.get(rule.name) != rule:
                await self.add_rule(rule)
        await self._remove_rules(lambda one: one.origin == CONFIGURED and one.name not in names)

    async def _remove_rules(self, which: Callable[[Rule], bool], before: int | None = None) -> int:
        removed = 0
        for number, text, rule in await _read(self._rules, Rule):
            if which(rule) and (before is None or number < before):
                removed += await self._rules.remove(number, text)
        return removed

    async def silences(self) -> list[Silence]:
        now = self._store.clock.now()
        return [one for _, _, one in await _read(self._silences, Silence) if one.until > now]

    async def silence(self, silence: Silence) -> None:
        """In the place of another one for the same rule; one that is over ends that."""
        for number, text, one in await _read(self._silences, Silence):
            if one.rule == silence.rule:
                await self._silences.remove(number, text)
        left = silence.until - self._store.clock.now()
        if left > 0:
            await self._silences.add(_json(silence), left)

    async def state(self) -> dict[str, Standing]:
        for _ in range(3):
            version = await self._version()
            text = await self._store.key_get(f"{STATE}:{version}")
            if text is not None or not version:
                return _state_of(text)
            # It was replaced between the two looks.
        return {}

    async def replace_state(self, standings: Mapping[str, Standing]) -> None:
        """For whoever has the turn to evaluate: nobody else writes it. Readers see the old state or the new one."""
        version = await self._version()
        old, new = f"{STATE}:{version}", f"{STATE}:{version + 1}"
        before, after = await self._store.key_get(old), msgspec.json.encode(list(standings.values()))
        if before == after or (before is None and not standings):
            return
        if (left := await self._store.key_get(new)) is not None:
            # Somebody died before the next line but one.
            await self._store.key_remove_if(new, left)
        if await self._store.key_put_if_absent(new, after):
            await self._store.key_add(STATE, 1)
            if before is not None:
                await self._store.key_remove_if(old, before)

    async def _version(self) -> int:
        return int(await self._store.key_get(STATE) or 0)

    async def record(self, delivery: Delivery) -> None:
        await self._deliveries.add(_json(delivery), KEPT)

    async def deliveries(self, newest: int = 50) -> list[Delivery]:
        """The newest first."""
        return [one for _, _, one in reversed(await _read(self._deliveries, Delivery, newest))]


async def _read(shelf: Shelf, kind: type[T], newest: int = 1000) -> list[tuple[int, bytes, T]]:
    """What can be read; the rest was written by another version and is left alone."""
    read = []
    for number, text in await shelf.all(newest):
        try:
            read.append((number, text, msgspec.json.decode(text, type=kind)))
        except msgspec.MsgspecError:
            continue
    return read


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


def _state_of(text: bytes | None) -> dict[str, Standing]:
    try:
        found = msgspec.json.decode(text or b"[]", type=list[Standing])
    except msgspec.MsgspecError:
        return {}
    return {one.key: one for one in found}
