"""A queue on a client of a sentinel follows the master, and a client that leads elsewhere is refused in a sentence."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis.asyncio.sentinel
import redis.sentinel

from lara_queue import AsyncQueue, Queue
from tests.servers.process import PATIENCE, until
from tests.servers.redis import Redis, Sentinel

from .conftest import listening


def test_a_queue_on_a_sentinels_client_sends_and_runs_jobs_before_and_after_a_failover(
    own_redis: Callable[..., Redis], own_sentinel: Callable[..., Sentinel]
) -> None:
    master = own_redis()
    replica = own_redis("--replicaof", "127.0.0.1", str(master.port))
    sentinel = own_sentinel(master)
    client = redis.sentinel.Sentinel([("127.0.0.1", sentinel.port)]).master_for("queuemgr", db=0)
    queue = Queue(client, "python", retry_delay=0)
    ran: list[int] = []
    arrived = threading.Semaphore(0)

    @queue.handler
    def handle(data: dict[str, Any]) -> None:
        ran.append(data["data"]["n"])
        arrived.release()

    with listening(queue):
        queue.push("App\\Jobs\\Greet", {"n": 1})
        assert arrived.acquire(timeout=PATIENCE)
        master.close()
        until(lambda: sentinel.master == replica.port)
        sent(lambda: queue.push("App\\Jobs\\Greet", {"n": 2}))
        assert arrived.acquire(timeout=PATIENCE)
    assert sorted(set(ran)) == [1, 2]


def test_an_asynchronous_sentinels_client_serves_an_asynchronous_queue(
    own_redis: Callable[..., Redis], own_sentinel: Callable[..., Sentinel]
) -> None:
    sentinel = own_sentinel(own_redis())

    async def play() -> list[int]:
        manager = redis.asyncio.sentinel.Sentinel([("127.0.0.1", sentinel.port)])
        queue = AsyncQueue(manager.master_for("queuemgr"), "python", retry_delay=0)
        ran: list[int] = []

        @queue.handler
        async def handle(data: dict[str, Any]) -> None:
            ran.append(data["data"]["n"])
            queue.shutdown()

        await queue.push("App\\Jobs\\Greet", {"n": 1})
        await asyncio.wait_for(queue.listen(), PATIENCE)
        await queue.close()
        return ran

    assert asyncio.run(play()) == [1]


def test_a_client_of_replicas_and_one_of_a_cluster_are_refused_in_a_sentence() -> None:
    manager = redis.sentinel.Sentinel([("127.0.0.1", 1)])
    with pytest.raises(ValueError, match="master_for"):
        Queue(manager.slave_for("queuemgr"), "python")
    with pytest.raises(ValueError, match="no client of one Redis server"):
        Queue(redis.asyncio.RedisCluster(host="127.0.0.1", port=1), "python")


def sent(push: Callable[[], None]) -> None:
    """While the new master takes over, a call may be refused; then it is made again."""

    def once() -> bool:
        try:
            push()
        except ConnectionError:
            return False
        return True

    until(once)
