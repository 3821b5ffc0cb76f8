"""Laravel's dialect keeps the contract of a dialect. What is special to it is tested beside this file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from queuemgr.dialects.laravel.encryption import Encrypter
from queuemgr.dialects.laravel.format import Laravel
from queuemgr.testing.dialect.setting import Capture
from queuemgr.testing.dialect.suite import DialectSuite

from .application import APP_KEY

CAPTURES = Path(__file__).parent / "captures"


class TestLaravel(DialectSuite):
    task = "App\\Jobs\\Greet"

    @pytest.fixture
    def url(self, url: str) -> str:
        return url

    @pytest.fixture
    def everything(self, everything: object) -> object:
        return everything

    @pytest.fixture
    def peer(self, peer: object) -> object:
        return peer

    @pytest.fixture
    def dialect(self) -> Laravel:
        return Laravel(encrypter=Encrypter([APP_KEY]))

    @pytest.fixture
    def captures(self) -> list[Capture]:
        return [
            Capture(
                name=f"{path.stem} {number}",
                version=one["version"],
                record=one["payload"].encode(),
                task=one["task"],
                args=one["args"].encode(),
                failures=one["failures"],
            )
            for path in sorted(CAPTURES.glob("*.json"))
            for number, one in enumerate(json.loads(path.read_text()))
        ]
