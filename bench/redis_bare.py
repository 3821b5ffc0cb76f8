"""The loop that anybody would write with redis-py alone: a list to push to, another for claimed jobs. No recovery.

As a program, `python bench/redis_bare.py URL JOBS_AT_ONCE`, it empties the list when it is told to and says how long
that took.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import redis

PROMISE = "one that was claimed by a dead process is never run again; what has ended is forgotten"
WAITING, CLAIMED = "bare:waiting", "bare:claimed"


class BareQueue:
    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url)

    def close(self) -> None:
        self.client.delete(WAITING, CLAIMED)
        self.client.close()

    def enqueue(self, payload: bytes) -> None:
        self.client.lpush(WAITING, payload)

    def enqueue_many(self, payloads: list[bytes]) -> None:
        pipeline = self.client.pipeline(transaction=False)
        for payload in payloads:
            pipeline.lpush(WAITING, payload)
        pipeline.execute()

    def work(self, run: Callable[..., Any], most: int) -> int:
        """Claim up to `most` jobs, run them, delete them; how many."""
        pipeline = self.client.pipeline(transaction=False)
        for _ in range(most):
            pipeline.lmove(WAITING, CLAIMED, "RIGHT", "LEFT")
        claimed = [payload for payload in pipeline.execute() if payload is not None]
        for payload in claimed:
            run(*json.loads(payload)["args"])
            pipeline.lrem(CLAIMED, -1, payload)
        pipeline.execute()
        return len(claimed)


def payload_of(number: int) -> bytes:
    """As long as what our store is sent for the same job."""
    told = {"id": f"{number:036d}", "task": "jobs.nothing", "queue": "default", "args": [number], "made": time.time()}
    return json.dumps(told).encode()


def main(url: str, most: int) -> None:
    queue = BareQueue(url)
    queue.client.ping()
    print("ready", flush=True)
    sys.stdin.readline()
    before, began = os.times(), time.perf_counter()
    while queue.work(lambda number: None, most):
        pass
    seconds, after = time.perf_counter() - began, os.times()
    cpu = after.user + after.system - before.user - before.system
    print(json.dumps({"seconds": seconds, "cpu": cpu}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
