"""Divides free slots among queues by their weights, fairly over time. It looks at no queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import ConfigError


class Shares:
    """Smooth weighted round robin: of 6 slots for weights a=2, b=1 the queue a gets 4, and they alternate.

    Source: the upstream balancing of nginx, https://github.com/nginx/nginx/commit/52327e0627f49dbda1e8db695e63a4b0af4448b1
    """

    def __init__(self, weights: Mapping[str, Any]) -> None:
        if not isinstance(weights, Mapping):
            raise ConfigError(f'queues maps names to weights, as in {{"mail": 1}}; {weights!r:.80} is no such thing')
        wrong = [name for name, weight in weights.items() if not isinstance(weight, int) or weight < 1]
        if wrong or not weights:
            raise ConfigError(
                f"a queue's weight is a whole number of at least 1; look at {wrong or 'the empty list of queues'}"
            )
        self.names = tuple(weights)
        self._weights = dict(weights)
        self._total = sum(weights.values())
        self._credit = dict.fromkeys(weights, 0)

    def of(self, slots: int) -> list[tuple[str, int]]:
        """(queue, slots) for every queue, the one whose turn it is first."""
        if len(self.names) == 1:
            return [(self.names[0], slots)]
        turns: dict[str, int] = {}
        for _ in range(slots):
            for name, weight in self._weights.items():
                self._credit[name] += weight
            winner = max(self._credit, key=self._credit.__getitem__)
            self._credit[winner] -= self._total
            turns[winner] = turns.get(winner, 0) + 1
        return [*turns.items(), *((name, 0) for name in self.names if name not in turns)]
