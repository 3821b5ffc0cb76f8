"""`with proc_queue_system() as queue`: job classes in processes of their own, ruled by a service in another process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .service.host.config import proc_dir_of_programs
from .simple_api import REGISTRY, OneSystem, QueueSystem

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC_DIR = proc_dir_of_programs()


class ProcQueueSystem(QueueSystem):
    """As QueueSystem; `proc_dir` is where other programs of this user find the service, too."""

    def __init__(
        self,
        registry_path: str = REGISTRY,
        proc_dir: str = PROC_DIR,
        shutdown_timeout: float = 30.0,
        **settings: Any,
    ) -> None:
        super().__init__(registry_path, shutdown_timeout, proc_dir=proc_dir, **settings)


@contextmanager
def proc_queue_system(
    registry_path: str = REGISTRY, proc_dir: str = PROC_DIR, shutdown_timeout: float = 30.0, **settings: Any
) -> Iterator[ProcQueueSystem]:
    """Start the service, stop it at the end of the block. Parameters as for ProcQueueSystem."""
    with ProcQueueSystem(registry_path, proc_dir, shutdown_timeout, **settings) as system:
        yield system


_one = OneSystem(ProcQueueSystem)
get_proc_queue_system = start_proc_queue_system = _one.get
stop_proc_queue_system = _one.stop
add_job, start_job, stop_job = _one.add_job, _one.start_job, _one.stop_job
delete_job, purge_job = _one.delete_job, _one.purge_job
get_job_status, list_jobs = _one.get_job_status, _one.list_jobs
