"""A manager that is killed between two tries of telling leaves the alert to another one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from queuemgr.service.observe.config import Notify
from queuemgr.service.observe.delivering import CLAIM
from queuemgr.service.operations.alerts import list_alerts
from tests.observe.rig import HOUR, Stage, receiver, staged

PROGRAM = Path(__file__).with_name("program.py")
ROOT = PROGRAM.parents[2]


@pytest.mark.crash
def test_an_alert_whose_teller_was_killed_between_two_tries_is_told_by_another(tmp_path: Path) -> None:
    with receiver(503) as hook:
        words = [sys.executable, str(PROGRAM), f"sqlite:///{tmp_path}/jobs.db", hook.url, str(HOUR + 1)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert hook.events == ["firing"]

        async def go_on(stage: Stage) -> None:
            sampler = stage.sampler({"queue_length > 2": "high_priority"}, (Notify(webhook=hook.url),))

            async def later(seconds: float) -> None:
                stage.clock.advance(seconds)
                await sampler.tick()
                await sampler.settled()

            await later(CLAIM / 2)
            assert hook.events == ["firing"]  # the dead one may still be at it, as far as anybody knows
            await later(CLAIM / 2 + 10)
            await later(10)
            (delivery,) = (await list_alerts(stage.client))["deliveries"]
            assert delivery["error"] is None

        staged(tmp_path, go_on, HOUR + 1)
        assert hook.events == ["firing", "firing"]
        assert len({notice["id"] for notice in hook.notices}) == 1
