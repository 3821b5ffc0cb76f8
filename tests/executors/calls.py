"""Calls for the tests of what runs them, made without a store or an app. Holds no fixture."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from queuemgr.codec import Codec
from queuemgr.context import JobContext
from queuemgr.executor import Call
from queuemgr.job import Lease
from queuemgr.options import DEFAULT_POLICY, Options
from queuemgr.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

CODEC = Codec()
_keys = itertools.count(1)


@dataclass
class Heard:
    """A reporter that keeps what it is told."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    steps: list[tuple[float, str | None]] = field(default_factory=list)

    def progress(self, percent: float, note: str | None) -> None:
        self.steps.append((percent, note))

    def output(self, stream: str, text: str) -> None:
        self.lines.append((stream, text))

    def text(self, stream: str) -> str:
        return "".join(text for name, text in self.lines if name == stream)


def make_call(
    function: Callable[..., Any],
    *args: Any,
    data: bytes | None = None,
    timeout: float | None = None,
    heard: Heard | None = None,
    max_result: int = 1 << 20,
) -> Call:
    """A first attempt at `function(*args)`; `data` are other argument bytes than those."""
    task: Task[..., Any, Any] = Task(function.__name__, function, Options(), None)  # type: ignore[arg-type]
    key = next(_keys)
    encoded = CODEC.encode([list(args)]) if data is None else data
    lease = Lease(key, f"job-{key}", task.name, "default", 1, 0, 0, False, None, encoded, 0.0)
    context = JobContext(lease.id, task.name, lease.queue, lease.attempt, heard or Heard())
    return Call(lease, task, replace(DEFAULT_POLICY, timeout=timeout), context, CODEC, max_result)
