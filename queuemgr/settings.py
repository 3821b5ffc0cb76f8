"""How a worker is set up: checked values. They say nothing of the app and its store."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypedDict

from .errors import ConfigError, UnknownOption, did_you_mean
from .kinds import is_number

if TYPE_CHECKING:
    from collections.abc import Mapping


class WorkerValues(TypedDict, total=False):
    """The settings of a worker, as an editor and a type checker know them; `WorkerSettings` says what they mean."""

    concurrency: int
    grace: float
    name: str
    id: str
    burst: bool
    max_tasks_per_child: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """`queues` maps names to weights; `grace` is for how many seconds running jobs may end after a stop."""

    queues: Mapping[str, int]
    concurrency: int = 16
    grace: float = 30.0
    max_result: int | None = None
    name: str = ""
    id: str = ""
    burst: bool = False
    max_tasks_per_child: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("concurrency", 1), ("max_tasks_per_child", 1), ("max_result", 0)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < least):
                raise ConfigError(f"{name} of a worker must be a whole number of at least {least}, not {value!r}")
        if not is_number(self.grace) or self.grace < 0:
            raise ConfigError(f"grace of a worker must be a number of seconds of at least 0, not {self.grace!r}")

    @classmethod
    def of(cls, **values: Any) -> WorkerSettings:
        """Raises UnknownOption for a name that is no setting, ConfigError for a value that cannot be."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise UnknownOption(f"a worker has no setting {name!r}: {did_you_mean(name, known)}")
        return cls(**values)
