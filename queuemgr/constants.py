"""The defaults and sentences that older programs import by these names."""

from __future__ import annotations

DEFAULT_REGISTRY_PATH = "queuemgr_registry.jsonl"
DEFAULT_PROC_DIR = "/tmp/queuemgr"
DEFAULT_SHUTDOWN_TIMEOUT = 30.0
DEFAULT_CLEANUP_INTERVAL = 60.0
DEFAULT_COMMAND_TIMEOUT = 30.0
DEFAULT_MAX_CONCURRENT_JOBS = 10

DESCRIPTION_JOB_CREATED = "Job created"
DESCRIPTION_JOB_STOPPED = "Job stopped by user"
DESCRIPTION_JOB_DELETED = "Job deleted"
