"""One operation: what it is called by each face, who may ask for it, and how its arguments are read. It knows none."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from queuemgr.errors import ValidationError, did_you_mean
from queuemgr.job import State
from queuemgr.service.failures import Misused
from queuemgr.store import Query

from .request import Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

GIVEN = frozenset({"client", "app", "presence", "tokens"})
"""Parameters that come from inside, never from who asks."""

CHOSEN_BY = frozenset(field.name for field in fields(Query))

# The operations name these types for the type checker alone.
_TYPES: dict[str, Any] = {
    **dict.fromkeys(("AsyncClient", "App", "Presence", "Tokens"), Any),
    "Query": Query,
    "Request": Request,
    "Sequence": Sequence,
}


class Scope(IntEnum):
    """What somebody may do; each may do what those before it may."""

    READ = 1
    OPERATE = 2
    ADMINISTER = 3


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: Any
    default: Any = inspect.Parameter.empty

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked of the manager.

    `scope` is what it takes to be allowed, `route` method and path below `/api/v1`, `verb` how the terminal says it.
    """

    name: str
    function: Callable[..., Awaitable[Mapping[str, Any]]]
    scope: Scope
    route: str
    verb: str
    description: str

    @property
    def changes(self) -> bool:
        """False where it only looks."""
        return self.scope is not Scope.READ and not self.route.startswith("GET ")

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """What it can be asked with, from outside."""
        hints = get_type_hints(self.function, None, _TYPES | {self._answer: Any})
        found = inspect.signature(self.function).parameters
        return {
            name: Parameter(name, hints.get(name, Any), one.default) for name, one in found.items() if name not in GIVEN
        }

    @cached_property
    def result(self) -> Any:
        """The type of what it answers: a TypedDict of `queuemgr.service.told`."""
        # Only descriptions and tests need it, and making the types takes longer than many an operation.
        from queuemgr.service import told

        return getattr(told, self._answer)

    @property
    def _answer(self) -> str:
        return str(self.function.__annotations__["return"])

    @cached_property
    def given(self) -> frozenset[str]:
        return GIVEN & inspect.signature(self.function).parameters.keys()

    def converted(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments in the types that the operation takes. Raises Misused, ValidationError."""
        for name in arguments:
            if name not in self.parameters:
                raise Misused(f"{self.name} takes no argument {name!r}: {did_you_mean(name, self.parameters)}")
        missing = [one.name for one in self.parameters.values() if one.required and one.name not in arguments]
        if missing:
            raise Misused(f"{self.name} needs {' and '.join(missing)}")
        return {name: self._converted(self.parameters[name], value) for name, value in arguments.items()}

    def _converted(self, parameter: Parameter, value: Any) -> Any:
        try:
            if parameter.type is Query:
                value = _query(value)
            return msgspec.convert(value, parameter.type)
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            reason = f"{self.name} cannot take {_shown(value)} as {parameter.name}: {error}"
            raise ValidationError(parameter.name, None, reason) from error


def _shown(value: Any) -> str:
    """What was given where it is short; the parts of anything larger may be secret."""
    return (
        f"{value!r:.80}" if isinstance(value, (str, int, float, bool, type(None))) else f"this {type(value).__name__}"
    )


def _query(value: Any) -> Any:
    """States come as words. Raises ValueError, also for an unknown name: without it more jobs would fit, not fewer."""
    for name in value if isinstance(value, dict) else ():
        if name not in CHOSEN_BY:
            raise ValueError(f"jobs are not chosen by {name!r}: {did_you_mean(str(name), CHOSEN_BY)}")
    if not isinstance(value, dict) or not isinstance(value.get("states"), list):
        return value
    words = {state.word: state for state in State}
    for word in value["states"]:
        if word not in words:
            raise ValueError(f"{word!r} is no state: {did_you_mean(str(word), words)}")
    return value | {"states": [words[word] for word in value["states"]]}
