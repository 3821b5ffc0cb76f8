"""The samples by which users moved from the synchronous queue to the asynchronous one run as they were written.

Each is a program of its own, beside the one change that `aioredis`, which no longer imports, is `redis.asyncio`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent

import pytest
import redis

from lara_queue import Queue
from tests.servers.redis import Redis

ROOT = Path(__file__).parents[2]
# The samples say 6379, where a server of somebody else's may listen: this sends them to the test's own.
SITE = """
import os, socket
_ask = socket.getaddrinfo
def ask(host, port, *rest, **more):
    return _ask(host, int(os.environ["OWN_PORT"]) if port == 6379 else port, *rest, **more)
socket.getaddrinfo = ask
"""

SYNC = """
from lara_queue import Queue
from redis import Redis

r = Redis(host='localhost', port=6379, db=0)
queue = Queue(r, queue='python')

@queue.handler
def handle(data):
    print('Processing: ' + data['data']['message'])

queue.listen()
"""

ASYNC = """
import asyncio
import aioredis
from lara_queue import AsyncQueue

async def main():
    redis_client = await aioredis.from_url("redis://localhost:6379")
    queue = AsyncQueue(redis_client, queue='python')

    @queue.handler
    async def handle(data):
        print('Processing: ' + data['data']['message'])

    await queue.listen()

asyncio.run(main())
"""

TUNED = """
queue = AsyncQueue(
    client=redis_client,
    queue='python',
    max_concurrent_jobs=20,
    enable_metrics=True
)
"""

SYNC_HANDLER = """
@queue.handler
def process_email(data):
    send_email(data['data']['to'])
"""

ASYNC_HANDLER = """
@queue.handler
async def process_email(data):
    await send_email_async(data['data']['to'])
"""

METRICS = """
metrics = queue.get_metrics()
print(f"Throughput: {metrics['performance']['throughput_per_second']:.2f} jobs/sec")
print(f"Concurrent jobs: {queue._processing_jobs}")
"""

LOGGING = """
import logging
logging.basicConfig(level=logging.INFO)
logger = logging.getLogger('lara_queue')
"""

SYNC_PUSH = """
queue.push('App\\\\Jobs\\\\EmailJob', {
    'to': 'user@example.com',
    'subject': 'Hello'
})
"""
ASYNC_PUSH = SYNC_PUSH.replace("queue.push", "await queue.push", 1)

SYNC_HEAD = """
from lara_queue import Queue
from redis import Redis
def send_email(to):
    print('sent to ' + to, flush=True)
r = Redis(host='localhost', port=6379, db=0)
queue = Queue(r, queue='python')
"""
ASYNC_HEAD = """
import asyncio
import redis.asyncio
from lara_queue import AsyncQueue
redis_client = redis.asyncio.from_url("redis://localhost:6379")
async def send_email_async(to):
    print('sent to ' + to, flush=True)
"""


@pytest.fixture
def server(own_redis: Callable[..., Redis]) -> Redis:
    return own_redis()


@contextmanager
def program(text: str, folder: Path, server: Redis) -> Iterator[subprocess.Popen[str]]:
    (folder / "sitecustomize.py").write_text(SITE)
    (folder / "sample.py").write_text(text.replace("import aioredis", "import redis.asyncio as aioredis"))
    path = os.pathsep.join([str(folder), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "OWN_PORT": str(server.port), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(folder / "sample.py")]
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def play(text: str, folder: Path, server: Redis) -> str:
    """What a program that ends by itself prints."""
    with program(text, folder, server) as one:
        said, _ = one.communicate(timeout=60)
        assert one.returncode == 0, (folder / "errors").read_text()
        return said


@pytest.mark.parametrize("sample", [SYNC, ASYNC], ids=["before", "after"])
@pytest.mark.crash
def test_the_worker_before_and_after_prints_each_message_and_ends_by_sigterm(
    sample: str, tmp_path: Path, server: Redis
) -> None:
    queue = Queue(redis.Redis(port=server.port), queue="python")
    with program(sample, tmp_path, server) as one:
        assert one.stdout is not None
        for message in ("first", "zweite ü"):
            queue.push("App\\Jobs\\EmailJob", {"message": message})
            assert one.stdout.readline() == f"Processing: {message}\n"
        one.send_signal(signal.SIGTERM)
        assert one.wait(60) == 0
    assert queue.get_dead_letter_jobs() == []


def test_the_synchronous_fragments_make_a_program(tmp_path: Path, server: Redis) -> None:
    stop = "\nimport threading\nthreading.Timer(1.5, queue.shutdown).start()\nqueue.listen()\n"
    said = play(SYNC_HEAD + LOGGING + SYNC_HANDLER + SYNC_PUSH + stop + METRICS, tmp_path, server)
    assert said.startswith("sent to user@example.com\nThroughput: ")
    assert said.endswith(" jobs/sec\nConcurrent jobs: 0\n")
    assert "lara_queue" in (tmp_path / "errors").read_text()


@pytest.mark.parametrize("jobs", [4, 20, 50])
def test_the_asynchronous_fragments_make_a_program(tmp_path: Path, server: Redis, jobs: int) -> None:
    stop = "\nasyncio.get_running_loop().call_later(1.5, queue.shutdown)\nawait queue.listen()\n"
    tuned = TUNED.replace("=20", f"={jobs}")
    body = tuned + ASYNC_HANDLER + ASYNC_PUSH + stop + METRICS + "\nawait queue.close()\nawait redis_client.aclose()\n"
    main = f"async def main():\n{indent(body, '    ')}\nasyncio.run(main())\n"
    said = play(ASYNC_HEAD + LOGGING + main, tmp_path, server)
    assert said.startswith("sent to user@example.com\nThroughput: ")
    assert said.endswith(" jobs/sec\nConcurrent jobs: 0\n")


def test_both_queues_work_side_by_side_in_one_program(tmp_path: Path, server: Redis) -> None:
    both = """
import threading
r_queue = queue
queue = AsyncQueue(redis_client, queue='python_async')
@queue.handler
async def handle(data):
    print('async ' + data['data']['message'] + '\\n', end='', flush=True)
    queue.shutdown()
@r_queue.handler
def handle_too(data):
    print('sync ' + data['data']['message'] + '\\n', end='', flush=True)
    r_queue.shutdown()
r_queue.push('Job', {'message': 'one'})
thread = threading.Thread(target=r_queue.listen)
thread.start()
async def main():
    await queue.push('Job', {'message': 'two'})
    await queue.listen()
asyncio.run(main())
thread.join()
"""
    said = play(SYNC_HEAD + ASYNC_HEAD + both, tmp_path, server)
    assert sorted(said.splitlines()) == ["async two", "sync one"]
