"""Settings of the Queue Manager. `python -m queuemgr.service.daemon config` shows all of them and their origins."""

from __future__ import annotations

PROC_MANAGER_CONFIG = {
    "registry_path": "/var/lib/queuemgr/registry.jsonl",
    "proc_dir": "/var/run/queuemgr",
    "shutdown_timeout": 30.0,
    "cleanup_interval": 300.0,
    "max_concurrent_jobs": 50,
    # Each Python file in these folders is a module whose job classes can be used by name: "report.ReportJob".
    "job_folders": ["/opt/queuemgr/jobs"],
}
