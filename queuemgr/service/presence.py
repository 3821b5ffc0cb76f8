"""What only a running service can do, beside its store. It is asked by operations and opens nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from queuemgr.errors import ServiceNotRunning

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from queuemgr.job import Job

    from .told import InspectedJob, Reloaded, ServiceFacts


class Presence(Protocol):
    """The service as operations see it. All of it raises ServiceNotRunning where there is none."""

    @property
    def pid(self) -> int: ...

    def new_job(
        self, job_id: str, job_class: str, params: dict[str, Any], options: dict[str, Any]
    ) -> AbstractContextManager[Job]:
        """A job that may be enqueued within the context: nobody else adds one of that id meanwhile.

        Raises UnknownTask, EncodingError, ConfigError, ValidationError, JobAlreadyExistsError.
        """

    def job_classes(self) -> list[str]: ...

    def is_suspended(self, job_id: str) -> bool:
        """False also where it does not run here."""

    def stop_job(self, job_id: str, notice: float | None, grace: float | None) -> float:
        """Stop it if it runs here: notice, SIGTERM, SIGKILL; the seconds that this takes at most."""

    def suspend_job(self, job_id: str) -> bool:
        """False where it does not run here."""

    def resume_job(self, job_id: str) -> bool: ...

    async def inspect_job(self, job_id: str) -> InspectedJob | None: ...

    def forgotten(self, job_id: str) -> None:
        """The id is free: nothing is left of the job."""

    def facts(self) -> ServiceFacts:
        """What the service says of itself."""

    def shutdown(self) -> None: ...

    async def reload(self) -> Reloaded: ...


class Nobody:
    """No service is running."""

    def __getattr__(self, name: str) -> NoReturn:
        raise ServiceNotRunning(
            "this needs a running service and none was asked: start one (queuemgr-cli service start)"
        )


NOBODY: Any = Nobody()
