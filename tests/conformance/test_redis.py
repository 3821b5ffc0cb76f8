"""The Redis store keeps the contract of a store. What is special to it is tested in tests/redis."""

from __future__ import annotations

import pytest

from queuemgr.testing import StoreSuite


class TestRedis(StoreSuite):
    @pytest.fixture
    def url(self, redis_url: str) -> str:
        return redis_url
