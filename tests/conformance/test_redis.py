"""The Redis store keeps the contract of a store. What is special to it is tested in tests/redis."""

from __future__ import annotations

import msgspec
import pytest
import redis

from queuemgr.stores.redis.address import read_address
from queuemgr.testing import StoreSuite


class TestRedis(StoreSuite):
    @pytest.fixture
    def url(self, redis_url: str) -> str:
        return redis_url

    def damage_job(self, url: str, job_id: str) -> None:
        self._put(url, "jobs", job_id, b"\0\0\0\4\xc1\xc1\xc1\xc1")

    def damage_schedule(self, url: str, name: str) -> None:
        self._put(url, "schedules", name, msgspec.msgpack.encode(("rule", "{}")))

    def _put(self, url: str, key: str, field: str, value: bytes) -> None:
        address = read_address(url)
        with redis.Redis(port=address.hosts[0][1]) as client:
            client.hset(address.base + key, field, value)
