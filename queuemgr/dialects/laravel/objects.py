"""PHP's objects, enums and opaque values as data. They know no class and run nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 100
INT64 = range(-(1 << 63), 1 << 63)


@dataclass(slots=True, eq=False)
class PhpObject:
    """An object as data. Its properties bear PHP's own names: `\\0*\\0name` is protected, `\\0Class\\0name` private."""

    name: str
    properties: dict[str | bytes | int, Any] = field(default_factory=dict)

    def get(self, wanted: str) -> Any:
        """The property of this name, whatever its visibility; None where there is none."""
        if wanted in self.properties:
            return self.properties[wanted]
        hidden = f"\0{wanted}"
        for name, value in self.properties.items():
            if name.endswith(hidden) if type(name) is str else plain_name(name) == wanted:
                return value
        return None

    def put(self, name: str, value: Any) -> None:
        """Set a property where it stands, or add it as a public one."""
        raw = next((raw for raw in self.properties if plain_name(raw) == name), name)
        self.properties[raw] = value


@dataclass(frozen=True, slots=True)
class PhpEnum:
    name: str
    case: str


@dataclass(frozen=True, slots=True, eq=False)
class PhpOpaque:
    """An object that wrote itself (`C:`); only its class can read it."""

    name: str
    data: bytes


def plain_name(raw: str | bytes | int) -> str:
    """The name of a property without its visibility."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return text.rpartition("\0")[2] if text.startswith("\0") else text
