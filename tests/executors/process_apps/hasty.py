"""An app that stops its process when it is asked for a task, just before that begins."""

from __future__ import annotations

import os
import signal
from typing import Any

from queuemgr.task import Registry, Task
from tests.executors import process_tasks


class Hasty(Registry):
    def get(self, name: str) -> Task[..., Any, Any] | None:
        os.kill(os.getpid(), signal.SIGTERM)
        return process_tasks.app.tasks.get(name)


class App:
    tasks = Hasty()
    codec = process_tasks.app.codec
    max_result = process_tasks.app.max_result


app = App()
