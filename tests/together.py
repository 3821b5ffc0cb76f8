"""Which tests one worker of pytest-xdist carries out after each other; all others go to whoever is free.

It reads the paths of tests, not the mark `xdist_group`, which not every pytest hands on.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/install/test_install.py", "tests/web/browser/million/")
"""Files, and folders with all that is in them."""


class Scheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling:
    return Scheduling(config, log)
