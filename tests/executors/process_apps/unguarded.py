"""An app that starts a worker wherever it is imported."""

from __future__ import annotations

from tests.executors.process_tasks import app

app.work(burst=True)
