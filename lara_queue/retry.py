"""How long a failed job waits and how often it runs: the strategies. Nothing here waits or counts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

SHORTEST = 1.0
JITTER = (0.1, 0.3)


class RetryStrategy(Enum):
    EXPONENTIAL = "exponential"
    LINEAR = "linear"
    FIXED = "fixed"
    CUSTOM = "custom"


@dataclass
class RetryConfig:
    """`max_retries` is the number of runs in all. Delays are seconds; `retry_max_delay` bounds them, jitter included.

    `retry_custom_function` is called with the number of the failure, from 1 on, and returns seconds.
    Only errors of `retry_exceptions` are tried again; None: every error. Raises ValueError for what cannot be.
    """

    max_retries: int = 3
    retry_strategy: RetryStrategy = RetryStrategy.EXPONENTIAL
    retry_delay: float = 1
    retry_max_delay: float = 300
    retry_jitter: bool = True
    retry_backoff_multiplier: float = 2.0
    retry_custom_function: Callable[[int], float] | None = None
    retry_exceptions: list[type[BaseException]] | tuple[type[BaseException], ...] | None = None

    def __post_init__(self) -> None:
        self.retry_strategy = RetryStrategy(self.retry_strategy)
        if self.max_retries < 0 or self.retry_delay < 0 or self.retry_max_delay < 0:
            raise ValueError("max_retries, retry_delay and retry_max_delay are not negative")
        if self.retry_strategy is RetryStrategy.CUSTOM and self.retry_custom_function is None:
            raise ValueError("the strategy CUSTOM needs retry_custom_function")

    def calculate_delay(self, attempt: int) -> float:
        """Seconds to wait after the failure of this number, the first is 1."""
        delay = self._plain_delay(attempt)
        if self.retry_jitter:
            delay *= 1 + random.uniform(*JITTER)
        return max(SHORTEST, min(delay, self.retry_max_delay))

    def should_retry(self, attempt: int, exception: BaseException) -> bool:
        """Whether a job that failed for the time of this number, the first is 1, may run again."""
        return attempt < self.max_retries and self.is_passing(exception)

    def is_passing(self, exception: BaseException) -> bool:
        """Whether such an error may be gone the next time."""
        return self.retry_exceptions is None or isinstance(exception, tuple(self.retry_exceptions))

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "retry_strategy": self.retry_strategy.value}

    def _plain_delay(self, attempt: int) -> float:
        match self.retry_strategy:
            case RetryStrategy.LINEAR:
                return self.retry_delay * attempt
            case RetryStrategy.FIXED:
                return self.retry_delay
            case RetryStrategy.CUSTOM if self.retry_custom_function is not None:
                return float(self.retry_custom_function(attempt))
        try:
            return self.retry_delay * self.retry_backoff_multiplier ** (attempt - 1)
        except OverflowError:
            return self.retry_max_delay
