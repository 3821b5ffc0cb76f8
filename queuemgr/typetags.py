"""The types beyond plain JSON that may cross the wire: some built-in ones, and the registered classes.

Each has a tag, which names it, and a plain form. This module does not walk containers and writes no bytes.
"""

from __future__ import annotations

import sys
from binascii import a2b_base64, b2a_base64
from contextlib import suppress
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from functools import cached_property
from types import MemberDescriptorType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import force_setattr

from .errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

C = TypeVar("C", bound=type)


CALL = "the arguments"
"""The name of what a call is given, a list of positional arguments and a dict of named ones."""


class Refused(Exception):
    """A value that cannot travel. Whoever walks adds to `path`, from the inside out."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def sentence(self, name: str) -> str:
        steps = self.path[::-1]
        if name == CALL and len(steps) > 1:
            return self._of_argument(steps[1][1:-1], steps[2:])
        return f"{name}{_joined(steps)} {self.reason}"

    def _of_argument(self, key: str, steps: list[str]) -> str:
        """Positions count from 1, as people do; names come with their quotation marks."""
        place = f" (at {_joined(steps)})" if steps else ""
        return f"argument {int(key) + 1 if key.isdecimal() else key}{place} {self.reason}"


def _joined(steps: list[str]) -> str:
    return "".join(steps[:8]) + ("…" if len(steps) > 8 else "")


class Shape(Protocol):
    """How one registered class is taken apart and put together."""

    name: str

    def take_apart(self, value: Any) -> Any: ...

    def put_together(self, state: Any) -> Any: ...


class Types:
    """The dataclasses, msgspec Structs and Enums that may cross the wire, each by its name "module:qualname".

    Only these classes are ever built from bytes; nothing is imported by a name that the bytes hold.
    """

    def __init__(self) -> None:
        self._by_class: dict[type, Shape] = {}
        self._by_name: dict[str, Shape] = {}

    def register(self, cls: C) -> C:
        """Allow `cls` and return it. A class that was registered under the same name before is replaced.

        Raises EncodingError for a local class and for one that is no dataclass, Struct or Enum.
        """
        if objection := _objection(cls):
            raise EncodingError(f"{cls!r} cannot be registered: {objection}")
        shape = _shape(cls)
        if (previous := self._by_name.get(shape.name)) is not None:
            self._by_class = {known: old for known, old in self._by_class.items() if old is not previous}
        self._by_class[cls] = self._by_name[shape.name] = shape
        return cls

    def register_annotations(self, function: Callable[..., object]) -> None:
        """Register the classes in the annotations of `function`, and those in the annotations of the former.

        Annotations that cannot be resolved and classes that cannot be registered are passed over.
        """
        pending = [*_hints(function)]
        seen: dict[int, object] = {}
        while pending:
            hint = pending.pop()
            if id(hint) in seen:
                continue
            seen[id(hint)] = hint
            pending += get_args(hint)
            pending += (getattr(hint, alias, None) for alias in ("__value__", "__supertype__", "__bound__"))
            cls = type(hint) if isinstance(hint, Enum) else get_origin(hint) or hint
            if isinstance(cls, type) and not _objection(cls):
                self._by_class.get(cls) or self.register(cls)
                pending += () if issubclass(cls, Enum) else _hints(cls)

    def of(self, cls: type) -> Shape | None:
        return self._by_class.get(cls)

    def named(self, name: str) -> Shape | None:
        return self._by_name.get(name)


class _EnumShape:
    def __init__(self, cls: type[Enum]) -> None:
        self.name = _name(cls)
        self._cls = cls

    def take_apart(self, value: Any) -> Any:
        """The member's name; a number for a combination of flags, which has none of its own."""
        members: Mapping[str, object] = self._cls.__members__
        name = value._name_
        if name in members and members[name] is value:
            return name
        if issubclass(self._cls, Flag):
            return value._value_
        raise Refused(f"is {value!r}, which is no member of {self._cls!r}; send its value instead")

    def put_together(self, state: Any) -> Any:
        if type(state) is int and issubclass(self._cls, Flag):
            return self._cls(state)
        if state not in self._cls.__members__:
            raise ValueError(f"{self.name} has no member {state!r}")
        return self._cls.__members__[state]


class _RecordShape:
    """What dataclasses and Structs share: their state is the values of their fields, and nothing besides."""

    def __init__(self, cls: type, fields: tuple[str, ...]) -> None:
        self.name = _name(cls)
        self._cls: Any = cls
        self._fields = fields
        slots = {n for c in cls.__mro__ for n, m in vars(c).items() if type(m) is MemberDescriptorType}
        self._other_slots = slots.difference(fields)

    def take_apart(self, value: Any) -> dict[str, Any]:
        names = self._other_slots.union(getattr(value, "__dict__", ())).difference(self._fields)
        for name in names:
            if name != "__orig_class__" and hasattr(value, name) and not self._is_recomputed(name):
                raise Refused(
                    f"has the attribute {name!r}, which is not a field of {self._cls!r} and would be lost; "
                    "declare it as a field, or send a fresh object"
                )
        return {name: getattr(value, name) for name in self._fields if hasattr(value, name)}

    def _is_recomputed(self, name: str) -> bool:
        return isinstance(getattr(self._cls, name, None), cached_property)


class _DataclassShape(_RecordShape):
    def __init__(self, cls: Any) -> None:
        from dataclasses import fields

        self._specs = {field.name: field for field in fields(cls)}
        super().__init__(cls, tuple(self._specs))

    def put_together(self, state: dict[str, Any]) -> Any:
        # __init__ and __post_init__ ran where the object was made; to run them again could change the fields.
        if unknown := state.keys() - self._specs.keys():
            raise ValueError(f"{self.name} has no field {min(unknown)!r}")
        built = object.__new__(self._cls)
        for name in self._fields:
            if name in state:
                object.__setattr__(built, name, state[name])
            else:
                self._fill_in(built, name)
        return built

    def _fill_in(self, built: object, name: str) -> None:
        from dataclasses import MISSING

        spec = self._specs[name]
        if spec.default is not MISSING:
            object.__setattr__(built, name, spec.default)
        elif spec.default_factory is not MISSING:
            object.__setattr__(built, name, spec.default_factory())
        elif spec.init:
            raise ValueError(f"the field {name!r} of {self.name} is missing and has no default")


class _StructShape(_RecordShape):
    def __init__(self, cls: type[Struct]) -> None:
        super().__init__(cls, cls.__struct_fields__)

    def put_together(self, state: dict[str, Any]) -> Any:
        built = self._cls(**state)
        for name, value in state.items():
            # A __post_init__ may have changed what was already final when the object was sent.
            if getattr(built, name) is not value:
                force_setattr(built, name, value)
        return built


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def is_registrable(cls: type) -> bool:
    return issubclass(cls, (Enum, Struct)) or hasattr(cls, "__dataclass_fields__")


def _shape(cls: type) -> Shape:
    if issubclass(cls, Enum):
        return _EnumShape(cls)
    return _StructShape(cls) if issubclass(cls, Struct) else _DataclassShape(cls)


def _objection(cls: object) -> str:
    """Half a sentence that says why `cls` cannot be registered and what would help; empty if it can be."""
    if not isinstance(cls, type):
        return "it is not a class; give the class itself"
    if not is_registrable(cls):
        return "it is not a dataclass, msgspec Struct or Enum; make it one, or send its parts instead"
    if "<locals>" in cls.__qualname__:
        return "it is defined inside a function, where no other process finds it; move it out of there"
    if not issubclass(cls, (Enum, Struct)):
        try:
            object.__new__(cls)
        except TypeError as error:
            return f"its instances cannot be rebuilt from their fields ({error}); send its parts instead"
    return ""


def _hints(owner: Any) -> Iterator[object]:
    """The types in the annotations of a function or a class; those that cannot be resolved are left out."""
    try:
        yield from get_type_hints(owner).values()
    except Exception:
        # One annotation under TYPE_CHECKING spoils them all, so each is tried by itself.
        for part in owner.__mro__ if isinstance(owner, type) else (owner,):
            module = sys.modules.get(getattr(part, "__module__", ""))
            names = getattr(part, "__globals__", vars(module) if module else {})
            for annotation in _annotations(part).values():
                one = SimpleNamespace(__annotations__={"_": annotation})
                with suppress(Exception):
                    yield from get_type_hints(one, names).values()


def _annotations(owner: Any) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        return get_annotations(owner, format=Format.FORWARDREF)
    if isinstance(owner, type):  # which would answer with the annotations of a base, had it none of its own
        return dict(vars(owner).get("__annotations__", {}))
    return dict(getattr(owner, "__annotations__", {}))


def bytes_to_text(value: bytes | bytearray) -> str:
    return b2a_base64(value, newline=False).decode("ascii")


def _write_moment(value: datetime | time) -> dict[str, Any]:
    """The ISO form, and what ISO cannot say about the zone and the fold."""
    members: dict[str, Any] = {"v": value.isoformat()}
    zone = value.tzinfo
    if type(zone) is timezone:
        name = zone.tzname(None)
        if name != timezone(zone.utcoffset(None)).tzname(None):
            members["name"] = name
        beyond = zone.utcoffset(None) % timedelta(seconds=1)
        if beyond:
            # Python reads an offset of less than a second as none at all.
            members["offset"] = zone.utcoffset(None) // timedelta(microseconds=1)
    elif zone is not None:
        members["zone"] = _zone_key(zone)
    if value.fold:
        members["fold"] = value.fold
    return members


def _zone_key(zone: object) -> str:
    from zoneinfo import ZoneInfo

    if type(zone) is ZoneInfo and zone.key:
        return zone.key
    raise Refused(
        f"has the time zone {zone!r}, which cannot be rebuilt elsewhere; "
        "use zoneinfo.ZoneInfo with a key, or datetime.timezone, instead"
    )


def _moment_reader(kind: type[datetime] | type[time]) -> Callable[..., Any]:
    def read(
        v: str, zone: str | None = None, name: str | None = None, fold: int = 0, offset: int | None = None
    ) -> datetime | time:
        moment = kind.fromisoformat(v)
        tzinfo: Any = moment.tzinfo if offset is None else timezone(timedelta(microseconds=offset))
        if zone is not None:
            from zoneinfo import ZoneInfo

            tzinfo = ZoneInfo(zone)
        elif name is not None:
            tzinfo = timezone(tzinfo.utcoffset(None), name)
        return moment.replace(tzinfo=tzinfo, fold=fold)

    return read


def _read_bytes(v: str | bytes) -> bytes:
    return v if type(v) is bytes else a2b_base64(v, strict_mode=True)


# The tag of each built-in type, and what makes the other members of the tagged object.
WRITERS: dict[type, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    datetime: ("datetime", _write_moment),
    time: ("time", _write_moment),
    date: ("date", lambda value: {"v": value.isoformat()}),
    timedelta: ("timedelta", lambda value: {"v": [value.days, value.seconds, value.microseconds]}),
    UUID: ("uuid", lambda value: {"v": str(value)}),
    Decimal: ("decimal", lambda value: {"v": str(value)}),
    UnsetType: ("unset", lambda value: {"v": None}),
}

# What a Secret wraps stands as it is in its plain form, so that it can be of any type.
SECRET = "secret"

# The tags that have members besides "v"; their readers take them as keywords.
ZONED = frozenset({"datetime", "time"})

READERS: dict[str, Callable[..., Any]] = {
    "int": lambda v: int(v, 16),
    "float": float,
    "bytes": _read_bytes,
    "bytearray": lambda v: bytearray(_read_bytes(v)),
    "datetime": _moment_reader(datetime),
    "time": _moment_reader(time),
    "date": date.fromisoformat,
    "timedelta": lambda v: timedelta(*v),
    "uuid": UUID,
    "decimal": Decimal,
    "unset": lambda v: UNSET,
}
