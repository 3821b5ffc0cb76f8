"""The parts of an answer: reasons, what comes next, and steps, each with a code that never changes its meaning.

The English sentence is made from the code and its parameters (texts.py), and so is any translation. It decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.told.why import NextFacts, ReasonFacts, StepFacts


@dataclass(frozen=True, slots=True)
class Step:
    """A command that a person may run next; `code` names its purpose."""

    code: str
    command: str

    @property
    def facts(self) -> StepFacts:
        return {"code": self.code, "purpose": texts.PURPOSES[self.code], "command": self.command}


@dataclass(frozen=True, slots=True)
class Next:
    """What happens by itself, at the moment `at` where that can be known."""

    code: str
    at: float | None = None
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> NextFacts:
        text = texts.rendered(texts.NEXT[self.code], self.params)
        return {"code": self.code, "text": text, "at": self.at, "params": self.params}


@dataclass(frozen=True, slots=True)
class Reason:
    """`params` are the values in its sentence; `details` are what a page may show beside it."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    next: Next | None = None

    @property
    def text(self) -> str:
        return texts.reason(self.code, self.params)

    @property
    def facts(self) -> ReasonFacts:
        return {"code": self.code, "text": self.text, "params": self.params, "details": dict(self.details)}


@dataclass(frozen=True, slots=True)
class Answer:
    """The weightiest reason comes first."""

    reasons: tuple[Reason, ...]

    @property
    def next(self) -> Next | None:
        return next((one.next for one in self.reasons if one.next is not None), None)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(dict.fromkeys(step for reason in self.reasons for step in reason.steps))
