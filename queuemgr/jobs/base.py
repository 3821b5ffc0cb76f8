"""The base of job classes, and the order in which their methods are called. It starts no process itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from queuemgr.context import Cancel, Stopped, current
from queuemgr.errors import JobExecutionError, ValidationError

from .status import JobCommand, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable

BAD_WORDS = frozenset({"error", "failed"})


class QueueJobBase(ABC):
    """A job as a class: derive from it, write `execute`, and say what you have to show by `set_result`.

    Parameters: `job_id`, a text that is not empty; `params`, what the job was added with. The constructor and all
    methods run in a process of the job's own. Raises ValidationError.

    The order: `on_start`, `execute`, `on_end`. After an exception, of any kind and anywhere among these, `on_error`;
    when the job is stopped, `on_stop`. An exception in `on_error` or `on_stop` is logged.
    """

    error: BaseException | None = None

    def __init__(self, job_id: str, params: dict[str, Any] | None = None) -> None:
        if not _is_id(job_id):
            raise ValidationError("job_id", job_id, "it must be a text that is not empty")
        self.job_id = job_id
        self.params = {} if params is None else params
        self._context = current.get()
        self._shared_state = self
        self._result: Any = None
        self._progress = 0.0
        self._description = ""
        self._status = JobStatus.PENDING

    @abstractmethod
    def execute(self) -> None:
        """The work itself. What it returns is ignored."""

    def on_start(self) -> None:  # noqa: B027 - a hook is there to be left out
        """Before `execute`."""

    def on_stop(self) -> None:  # noqa: B027 - a hook is there to be left out
        """When it is stopped, or the service ends."""

    def on_end(self) -> None:  # noqa: B027 - a hook is there to be left out
        """After `execute`, before the job is COMPLETED."""

    def on_error(self, exc: Any) -> None:  # noqa: B027 - a hook is there to be left out
        """After an exception of any kind, which may be no `Exception`."""

    @property
    def stopping(self) -> bool:
        """Whether somebody wants the job stopped: a long loop that looks at it can end by itself in good time."""
        return self._context is not None and self._context.stopping

    def set_result(self, result: Any) -> None:
        """What the job has to show; the last call counts. It is kept too if the job fails or is stopped afterwards.

        A dict whose `status` is "error" or "failed", or whose `success` is False, ends the job as ERROR.
        """
        self._result = result
        if self._context is not None:
            self._context.set_result(result)

    def set_progress(self, percent: float, description: str | None = None) -> None:
        """How far the work is, 0 to 100, and what it is at. Raises ValueError."""
        if not 0 <= percent <= 100:
            raise ValueError("Progress must be between 0 and 100")
        self._progress = float(percent)
        self._description = self._description if description is None else description
        if self._context is not None:
            self._context.progress(percent, description)

    def set_description(self, description: str) -> None:
        self.set_progress(self._progress, description)

    def get_status(self) -> dict[str, Any]:
        return {
            "status": self._status,
            "command": JobCommand.STOP if self.stopping else JobCommand.NONE,
            "progress": int(self._progress),
            "description": self._description,
            "result": self._result,
        }

    def is_running(self) -> bool:
        return self._status is JobStatus.RUNNING

    def run(self) -> Any:
        """Go through the whole job; a worker calls it. Returns the result, raises what the job raised."""
        self._status = JobStatus.RUNNING
        try:
            self._go_through()
        except (Stopped, Cancel):
            self._status = JobStatus.STOPPED
            _safely(self.on_stop, self.job_id)
            raise
        except BaseException as error:
            self.error = error
            self._status = JobStatus.ERROR
            _safely(self.on_error, self.job_id, error)
            raise
        self._status = JobStatus.COMPLETED
        if (complaint := _complaint(self._result)) is not None:
            self._status = JobStatus.ERROR
            failed = JobExecutionError(self.job_id, complaint)
            failed.args = (complaint,)  # what the result says is what the job's description says
            raise failed
        return self._result

    def _go_through(self) -> None:
        self.on_start()
        if not self.stopping:
            _require_plain(self.execute())
        if self.stopping:
            raise Cancel("stopped: it ended by itself when it was told")
        self.on_end()


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _require_plain(returned: Any) -> None:
    """Raises TypeError for an `execute` that has done nothing yet."""
    if isinstance(returned, Coroutine):
        returned.close()
        raise TypeError("execute is an async function, which nobody awaits: call asyncio.run(...) in a plain execute")


def _safely(hook: Callable[..., None], job_id: str, *details: BaseException) -> None:
    try:
        hook(*details)
    except Exception:
        import logging

        name = getattr(hook, "__name__", hook)
        logging.getLogger("queuemgr.jobs").exception("job %s: its method %s failed", job_id, name)


def _complaint(result: Any) -> str | None:
    """What a result says that tells of a failure by itself; None where it does not."""
    if not isinstance(result, dict):
        return None
    status = result.get("status")
    failed = isinstance(status, str) and status.lower() in BAD_WORDS
    if not failed and result.get("success") is not False:
        return None
    error = result.get("error")
    nested = error.get("message") if isinstance(error, dict) else error
    return str(result.get("message") or nested or "its result says that it failed")
