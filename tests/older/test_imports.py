"""Every import that an older program may have works, and there is one class for each name."""

from __future__ import annotations

import importlib
import sys

import pytest

import queuemgr
from queuemgr import errors

IMPORTS = {
    "queuemgr": (
        *("QueueJobBase", "QueueSystem", "ProcessManager", "JobQueue", "AsyncQueueSystem", "AsyncProcessManager"),
        *("AsyncSimpleQueue", "async_queue_system_context", "async_simple_queue_context", "get_global_async_queue"),
        *("shutdown_global_async_queue", "__version__", "QueueManagerError", "JobNotFoundError"),
        *("JobAlreadyExistsError", "InvalidJobStateError", "JobExecutionError", "RegistryError"),
        *("ProcessControlError", "ValidationError", "TimeoutError"),
    ),
    "queuemgr.jobs.base": ("QueueJobBase",),
    "queuemgr.jobs": ("QueueJobBase", "RegistryPlaceholderJob"),
    "queuemgr.jobs.exceptions": ("JobExecutionError", "ProcessControlError", "ValidationError"),
    "queuemgr.proc_api": (
        *("ProcQueueSystem", "proc_queue_system", "get_proc_queue_system", "start_proc_queue_system"),
        *("stop_proc_queue_system", "add_job", "start_job", "stop_job", "delete_job", "purge_job", "get_job_status"),
        "list_jobs",
    ),
    "queuemgr.simple_api": (
        *("QueueSystem", "queue_system", "get_queue_system", "start_queue_system", "stop_queue_system", "add_job"),
        *("start_job", "stop_job", "delete_job", "purge_job", "get_job_status", "list_jobs"),
    ),
    "queuemgr.async_simple_api": (
        *("AsyncQueueSystem", "async_queue_system_context", "get_global_async_queue"),
        "shutdown_global_async_queue",
    ),
    "queuemgr.async_simple_queue": ("AsyncSimpleQueue", "async_simple_queue_context"),
    "queuemgr.process_manager": ("ProcessManager", "ProcessManagerConfig", "ProcessManagerContext"),
    "queuemgr.async_process_manager": ("AsyncProcessManager", "async_queue_system"),
    "queuemgr.proc_manager": ("ProcManager", "ProcManagerConfig"),
    "queuemgr.queue": ("JobQueue",),
    "queuemgr.queue.exceptions": ("InvalidJobStateError", "JobAlreadyExistsError", "JobNotFoundError"),
    "queuemgr.core.registry": ("Registry", "JsonlRegistry", "InMemoryRegistry"),
    "queuemgr.core.types": ("JobStatus", "JobCommand", "JobRecord"),
    "queuemgr.core.ipc": ("update_job_state",),
    "queuemgr.core.exceptions": ("IPCError", "ProcessControlError", "RegistryError"),
    "queuemgr.constants": ("DEFAULT_REGISTRY_PATH", "DEFAULT_SHUTDOWN_TIMEOUT", "DESCRIPTION_JOB_CREATED"),
    "queuemgr.service.cli": ("QueueManagerCLI",),
    "queuemgr.examples.result_job": ("SumJob",),
    "queuemgr.examples.large_result_job": ("LargeResultJob",),
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in IMPORTS.items() for name in names])
def test_a_name_is_found_where_older_programs_look_for_it(module: str, name: str) -> None:
    assert getattr(importlib.import_module(module), name) is not None


@pytest.mark.parametrize("module", ["exceptions", "core.exceptions", "queue.exceptions", "jobs.exceptions"])
def test_an_error_is_one_class_wherever_it_is_imported_from(module: str) -> None:
    found = importlib.import_module(f"queuemgr.{module}")
    for name in found.__all__:
        assert issubclass(getattr(found, name), errors.QueuemgrError)
        assert getattr(found, name) is getattr(queuemgr, name, getattr(found, name))


def test_importing_the_package_imports_no_part_of_it() -> None:
    before = {name for name in sys.modules if name.startswith("queuemgr.")}
    importlib.reload(queuemgr)
    assert {name for name in sys.modules if name.startswith("queuemgr.")} == before


def test_the_older_constructors_of_errors_fill_their_attributes() -> None:
    error = queuemgr.InvalidJobStateError("a", "RUNNING", "start")
    assert (error.job_id, error.current_status, error.operation) == ("a", "RUNNING", "start")
    assert isinstance(error, queuemgr.ProcessControlError)
    assert isinstance(queuemgr.TimeoutError("add_job", 30.0), TimeoutError)


def test_a_placeholder_says_why_it_does_not_run() -> None:
    from queuemgr.jobs import RegistryPlaceholderJob

    with pytest.raises(queuemgr.JobExecutionError, match="only its line in the registry is known"):
        RegistryPlaceholderJob("a", {}).run()
