"""An app whose import takes longer than its jobs may."""

from __future__ import annotations

import time

from tests.executors.process_tasks import app

time.sleep(1.0)

__all__ = ["app"]
