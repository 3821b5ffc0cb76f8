"""What the tests of lara_queue share: a prefix in Redis that is theirs alone, clients of every kind, and PHP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis

from lara_queue import Queue
from tests.dialects.laravel.application import Application
from tests.servers.process import PATIENCE

Make = Callable[..., Queue]


@pytest.fixture
def port(redis_url: str) -> int:
    found = urlsplit(redis_url).port
    assert found is not None
    return found


@pytest.fixture
def appname(redis_url: str) -> str:
    """The first part of the prefix; the second one is as Laravel has it."""
    return parse_qs(urlsplit(redis_url).query)["prefix"][0]


@pytest.fixture
def client(port: int) -> Iterator[redis.Redis]:
    with redis.Redis(port=port) as client:
        yield client


@pytest.fixture
def make(client: redis.Redis, appname: str) -> Make:
    """Makes a synchronous queue of the test's own; retries come as soon as they can."""

    def build(**options: Any) -> Queue:
        settings = {"client": client, "queue": "python", "appname": appname, "retry_delay": 0, **options}
        return Queue(**settings)

    return build


@pytest.fixture
def peer(port: int, appname: str, tmp_path: Path, needs: Callable[[str], None]) -> Application:
    needs("php")
    return Application(f"laravel+redis://127.0.0.1:{port}/0?prefix={appname}_database_", tmp_path)


@contextmanager
def listening(queue: Queue) -> Iterator[threading.Thread]:
    """The queue listens in a thread; it is told to stop at the end, and must."""
    thread = threading.Thread(target=queue.listen)
    thread.start()
    try:
        yield thread
    finally:
        queue.shutdown()
        thread.join(PATIENCE)
        assert not thread.is_alive()
