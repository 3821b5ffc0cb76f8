"""The same with the older package, which bench/laravel.py starts with another interpreter: PORT JOBS. It says JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import redis

from lara_queue import Queue

WARM = 200

done, begin, spent = 0, 0.0, 0.0
jobs = int(sys.argv[2])
queue = Queue(redis.Redis(port=int(sys.argv[1])), "default", is_queue_notify=False)


def handle(_: dict[str, Any]) -> None:
    global done, begin, spent  # noqa: PLW0603 - a program of one file
    done += 1
    if done == WARM:
        begin, spent = time.perf_counter(), time.process_time()
    if done == jobs:
        seconds, cost = time.perf_counter() - begin, time.process_time() - spent
        print(json.dumps({"rate": (jobs - WARM) / seconds, "cost": cost / (jobs - WARM) * 1e6}), flush=True)
        # It would wait a minute for the next one.
        os._exit(0)


queue.handler(handle)
queue.listen()
