from __future__ import annotations

from pathlib import Path

import pytest

from queuemgr import App, Backoff


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(f"sqlite:///{tmp_path}/jobs.db", backoff=Backoff("fixed", 0.01))
