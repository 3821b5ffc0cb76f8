"""Statuses and records, under the names that older programs import."""

from __future__ import annotations

from queuemgr.jobs.status import JobCommand, JobStatus
from queuemgr.service.registry.record import JobRecord

__all__ = ["JobCommand", "JobRecord", "JobStatus"]
