"""An app whose import starts a thread, which would hold up the end of the interpreter."""

from __future__ import annotations

import threading

from tests.executors.process_tasks import app

threading.Thread(target=threading.Event().wait).start()
__all__ = ["app"]
