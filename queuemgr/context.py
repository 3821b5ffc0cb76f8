"""What a running task sees and says: its job, its progress, its wish to run later. It stores nothing itself."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .errors import EncodingError, Unsupported
from .kinds import LONGEST
from .result import Owner

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .result import Keeper, Writer

T = TypeVar("T")

NOTE = 1000
"""Characters of a description that are kept."""


class Snooze(BaseException):
    """Return or raise it in a task to be run again after `delay` seconds, without using up an attempt."""

    def __init__(self, delay: float) -> None:
        if not 0 <= delay <= LONGEST:
            raise ValueError(f"a snooze needs a delay of 0 or more seconds, at most a hundred years, not {delay}")
        self.delay = float(delay)
        super().__init__(f"again in {delay} s")


class Cancel(BaseException):
    """Return or raise it in a task to end the job as cancelled. `reason` is kept as a text, whatever it is."""

    def __init__(self, reason: object = "cancelled by its own task") -> None:
        self.reason = str(reason).encode("utf-8", "replace").decode()
        super().__init__(self.reason)


class Stopped(SystemExit):
    """Raised in a job's process when it is stopped, so that its `finally` blocks run. asyncio lets it through."""


class Reporter(Protocol):
    """Where a run's progress and output go. Called from any thread; must not block."""

    def progress(self, percent: float, note: str | None) -> None: ...

    def output(self, stream: str, text: str) -> None: ...


class JobContext:
    """The running job, as its own task sees it."""

    __slots__ = ("_keeper", "_reporter", "_writer", "attempt", "id", "queue", "result", "stopping", "task")

    def __init__(
        self, job_id: str, task: str, queue: str, attempt: int, reporter: Reporter, keeper: Keeper | None = None
    ) -> None:
        self.id = job_id
        self.task = task
        self.queue = queue
        self.attempt = attempt
        self.stopping = False
        self.result: Any = None
        self._reporter = reporter
        self._keeper = keeper
        self._writer: Writer | None = None

    def progress(self, percent: float, note: str | None = None) -> None:
        """Say how far the work is: 0 to 100, with an optional description, of which NOTE characters are kept."""
        self._reporter.progress(min(100.0, max(0.0, float(percent))), note)

    def set_result(self, value: Any) -> None:
        """What the job has to show so far: its result if it returns None, and kept if it fails or is stopped."""
        self.result = value

    def result_writer(self) -> Writer:
        """Write the result piece by piece, while others read it: `with job.result_writer() as out: out.append(row)`.

        The job then returns nothing, or the writer. Raises Unsupported outside of a worker.
        """
        if self._keeper is None:
            raise Unsupported("a result can be written piece by piece in a worker of an App only: return it instead")
        if self._writer is not None:
            raise EncodingError("the job writes its result already: a job has one result, and so one writer")
        self._writer = self._keeper.writer(Owner(self.id, self.attempt))
        return self._writer

    def track(self, items: Iterable[T], total: int | None = None, note: str | None = None) -> Iterator[T]:
        """Yield the items one by one and report the progress by their count.

        `total` is needed where `items` has no length; without either only the count is shown.
        """
        length = getattr(items, "__len__", None)
        whole = total if total is not None else (length() if length else None)
        for done, item in enumerate(items, 1):
            yield item
            words = f"{note + ': ' if note else ''}{done}{f' of {whole}' if whole else ''}"
            self.progress(100 * done / whole if whole else 0, words)

    def output(self, stream: str, text: str) -> None:
        self._reporter.output(stream, text)


current: ContextVar[JobContext | None] = ContextVar("queuemgr_job", default=None)

importing: ContextVar[bool] = ContextVar("queuemgr_importing", default=False)
"""Set while a worker's process imports the app, for jobs to be forked from it."""


def refuse_while_importing() -> None:
    """Raises RuntimeError where a program that starts workers is only imported: so each would start another one."""
    if importing.get():
        raise RuntimeError(
            "a process for jobs imports this program, which starts a worker as it is imported: "
            "put what is to happen only where the program itself is started under `if __name__ == '__main__':`"
        )


def current_job() -> JobContext:
    """The job that this code runs in. Raises RuntimeError outside of one."""
    context = current.get()
    if context is None:
        raise RuntimeError("there is no current job: this code does not run in a queuemgr worker")
    return context


def track(items: Iterable[T], total: int | None = None, note: str | None = None) -> Iterable[T]:
    """`current_job().track(...)`, or the bare items outside of a job, so that a task can also be called directly."""
    context = current.get()
    return items if context is None else context.track(items, total, note)
