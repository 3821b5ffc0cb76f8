"""How a worker is set up: checked values. They say nothing of the app and its store."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, UnknownOption, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        if self.concurrency < 1 or self.grace < 0:
            raise ConfigError(
                f"a worker needs concurrency of at least 1 and grace of 0 or more seconds, "
                f"not {self.concurrency} and {self.grace}"
            )

    @classmethod
    def of(cls, **values: Any) -> WorkerSettings:
        """Raises UnknownOption for a name that is no setting, ConfigError for a value that cannot be."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise UnknownOption(f"a worker has no setting {name!r}: {did_you_mean(name, known)}")
        return cls(**values)
