"""A Laravel worker in PHP and a Python worker share one queue: both send, both run, and every job runs once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from lara_queue import Queue

PHP = Path(__file__).parents[2] / "tests" / "dialects" / "laravel" / "php" / "app.php"
JOB = "App\\Jobs\\Greet"
EACH = 20


@contextmanager
def server() -> Iterator[int]:
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        try:
            wait_for(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def wait_for(port: int) -> None:
    with redis.Redis(port=port) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.05)
            else:
                return


def laravel(port: int, *words: str) -> list[dict[str, Any]]:
    environment = {**os.environ, "REDIS_PORT": str(port), "REDIS_PREFIX": "laravel_database_"}
    command = ["php", str(PHP), *words]
    said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(line) for line in said.splitlines()]


def main() -> None:
    with server() as port, redis.Redis(port=port) as client:
        queue = Queue(client, queue="default")
        ours: list[str] = []

        @queue.handler
        def handle(data: dict[str, Any]) -> None:
            time.sleep(0.02)
            ours.append(data["data"]["name"])

        for number in range(EACH):
            queue.push(JOB, {"name": f"Python's job {number}"})
            laravel(port, "send", json.dumps({"name": f"Laravel's job {number}"}))
        print(f"sent: {EACH} jobs from Python and {EACH} from Laravel, into one queue")
        worker = threading.Thread(target=queue.listen)
        worker.start()
        theirs = [ran["name"] for ran in laravel(port, "work", "0.02")]
        while len(ours) + len(theirs) < 2 * EACH:
            time.sleep(0.02)
        queue.shutdown()
        worker.join()
        for side, ran in (("the Python worker ran", ours), ("Laravel's worker ran", theirs)):
            own = sum(name.startswith("Python") for name in ran)
            print(f"{side} {len(ran)} jobs: {own} of Python's and {len(ran) - own} of Laravel's")
        print("every job ran once" if len({*ours, *theirs}) == len(ours) + len(theirs) == 2 * EACH else "NOT ONCE")


if __name__ == "__main__":
    main()
