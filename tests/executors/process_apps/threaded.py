"""An app whose import starts a thread."""

from __future__ import annotations

import threading

from tests.executors.process_tasks import app

threading.Thread(target=threading.Event().wait, daemon=True).start()
__all__ = ["app"]
