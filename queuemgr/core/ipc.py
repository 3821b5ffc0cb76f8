"""How older job classes say their progress: through the state that they share with their manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from queuemgr.jobs.base import QueueJobBase


def update_job_state(
    shared_state: QueueJobBase | None,
    status: Any = None,  # noqa: ARG001 - the service alone says what a job's status is
    command: Any = None,  # noqa: ARG001 - likewise
    progress: float | None = None,
    description: str | None = None,
    result: Any = None,
) -> None:
    """`update_job_state(self._shared_state, progress=50)`: what `set_progress`, `set_description`, `set_result` do.

    Raises ValueError for a progress outside of 0 to 100.
    """
    if shared_state is None:
        return
    if progress is not None:
        shared_state.set_progress(progress, description)
    elif description is not None:
        shared_state.set_description(description)
    if result is not None:
        shared_state.set_result(result)
