"""Checks a call's arguments against the task's signature, before a job is accepted. It converts nothing."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from typing import TYPE_CHECKING, Any

from .errors import BadArguments
from .secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Checker:
    """The signature of one task, prepared so that the common call is checked without `inspect`."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._name = name
        self._signature = signature_of(function)
        parameters = list(self._signature.parameters.values())
        hints = _hints(function)
        self._classes = {p.name: _classes(hints.get(p.name)) for p in parameters}
        self._hidden = {name for name, hint in hints.items() if _holds_secret(hint)}
        self._positional = [p.name for p in parameters if p.kind in _POSITIONAL]
        self._simple = len(self._positional) == len(parameters)
        self._required = sum(p.default is p.empty for p in parameters)
        self._in_order = [self._classes[name] for name in self._positional]

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Raises BadArguments."""
        if kwargs or not self._simple or not self._required <= len(args) <= len(self._positional):
            self._check_slowly(args, kwargs)
            return
        for value, classes in zip(args, self._in_order, strict=False):
            if classes is not None and not isinstance(value, classes):
                self._check_slowly(args, kwargs)

    def check_many(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """`check` for the positional arguments of many calls, a parameter at a time. Raises BadArguments."""
        lengths = set(map(len, rows))
        fit = self._simple and len(lengths) <= 1 and all(self._required <= n <= len(self._positional) for n in lengths)
        if not (fit and all(map(_are, zip(*rows, strict=True), self._in_order))):
            for args in rows:
                self.check(args, {})

    def _check_slowly(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise BadArguments(f"{self._name}{self._signature}: {error}", f"{self._name}: {error}") from None
        for name, value in bound.arguments.items():
            classes = self._classes[name]
            variadic = self._signature.parameters[name].kind not in (
                *_POSITIONAL,
                inspect.Parameter.KEYWORD_ONLY,
            )
            if classes is not None and not variadic and not isinstance(value, classes):
                wanted = " or ".join(kind.__name__ for kind in classes)
                shown = "" if name in self._hidden else f" {value!r:.60}"
                reason = f"{name} must be {wanted}, not {type(value).__name__}"
                raise BadArguments(f"{self._name}{self._signature}: {reason}{shown}", f"{self._name}: {reason}")


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """`inspect.signature`, with annotations as text where they name what is not there."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        # Annotations are evaluated only now, and one may stand under TYPE_CHECKING without being in quotes.
        try:
            return inspect.signature(function)
        except (NameError, AttributeError):
            return inspect.signature(function, annotation_format=Format.STRING)
    return inspect.signature(function)


def _are(values: Iterable[Any], classes: tuple[type, ...] | None) -> bool:
    return classes is None or all(issubclass(kind, classes) for kind in set(map(type, values)))


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    target = function.__init__ if isinstance(function, type) else function  # type: ignore[misc]
    try:
        return typing.get_type_hints(target)
    except (NameError, TypeError, AttributeError):
        return {}


def _classes(hint: Any) -> tuple[type, ...] | None:
    """The classes that `isinstance` can decide on; None where the annotation says more than that, or nothing."""
    if hint is None:
        return None
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) or _is_union(hint) else (hint,)
    plain = [typing.get_origin(option) or option for option in options]
    if not all(isinstance(kind, type) and kind.__module__ != "typing" for kind in plain):
        return None
    if any(getattr(kind, "_is_protocol", False) for kind in plain):
        return None
    if float in plain:
        plain.append(int)
    return tuple(dict.fromkeys(plain))


def _holds_secret(hint: Any) -> bool:
    """Whether a value of this annotation may hold a Secret anywhere, so that it must not be shown."""
    return (typing.get_origin(hint) or hint) is Secret or any(map(_holds_secret, typing.get_args(hint)))


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.Union
