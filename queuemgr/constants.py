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
DESCRIPTION_JOB_STARTED = "Job started"
DESCRIPTION_JOB_COMPLETED = "Job completed successfully"
DESCRIPTION_JOB_FAILED = "Job failed: {error}"
DESCRIPTION_JOB_INTERRUPTED = "Job interrupted"

ERROR_JOB_NOT_FOUND = "Job with ID '{job_id}' not found"
ERROR_JOB_ALREADY_EXISTS = "Job with ID '{job_id}' already exists"
ERROR_INVALID_JOB_STATE = "Cannot {operation} job '{job_id}' in state '{state}'"
ERROR_JOB_EXECUTION_FAILED = "Job '{job_id}' execution failed"
ERROR_REGISTRY_OPERATION_FAILED = "Registry operation failed: {message}"
ERROR_PROCESS_CONTROL_FAILED = "Process control error for job '{job_id}' during {operation}"
ERROR_VALIDATION_FAILED = "Validation error for field '{field}': {reason}"
ERROR_OPERATION_TIMEOUT = "Operation '{operation}' timed out after {timeout} seconds"

CONFIG_REGISTRY_PATH = "registry_path"
CONFIG_MAX_CONCURRENT_JOBS = "max_concurrent_jobs"
CONFIG_DEFAULT_TIMEOUT = "default_timeout"
CONFIG_LOG_LEVEL = "log_level"
CONFIG_LOG_FORMAT = "log_format"

MIN_PROGRESS, MAX_PROGRESS = 0, 100
DEFAULT_STOP_TIMEOUT = 10.0
DEFAULT_TERMINATE_TIMEOUT = 5.0
