"""Which of the verbs Laravel's queues know, and how each is refused that they do not. It changes no jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from queuemgr.dialect import Ability, refuse
from queuemgr.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

VERBS = ("retry", "cancel", "delete", "hold", "release")


def act_of(verb: str, acts: Mapping[str, T], ways_out: Mapping[Ability, str]) -> T:
    """What the verb does. Raises Unsupported where Laravel has nothing for it, ConfigError where it is none."""
    if verb in acts:
        return acts[verb]
    if verb in VERBS:
        refuse(Ability.HOLDING, ways_out)
    raise ConfigError(f"jobs cannot be told to {verb!r}: {did_you_mean(verb, VERBS)}")
