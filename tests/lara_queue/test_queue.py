"""The synchronous queue: what is sent arrives, what fails is tried again and kept, and `listen` ends when told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import pytest
import redis
import redis.asyncio

from lara_queue import EventEmitter, Queue, RetryStrategy
from tests.dialects.laravel.application import Application
from tests.lara_queue.conftest import Make, listening
from tests.pace import quickest
from tests.servers.process import PATIENCE, until
from tests.servers.redis import Redis

EMAIL = "App\\Jobs\\EmailJob"


def received(queue: Queue) -> SimpleQueue[dict[str, Any]]:
    """What its handler gets, as it comes."""
    got: SimpleQueue[dict[str, Any]] = SimpleQueue()
    queue.handler(got.put)
    return got


@pytest.mark.parametrize("decode", [False, True])
@pytest.mark.parametrize("kind", [redis.Redis, redis.asyncio.Redis])
def test_a_job_comes_with_plain_text_and_numbers_whatever_client_was_given(
    make: Make, port: int, kind: Callable[..., Any], decode: bool
) -> None:
    queue = make(client=kind(port=port, decode_responses=decode))
    got = received(queue)
    sent = {"message": "Ünïcode 🎈", "n": 7, "nested": {"list": [1, 2.5, None, True], "empty": []}}
    queue.push(EMAIL, sent)
    with listening(queue):
        data = got.get(timeout=PATIENCE)
    assert (data["name"], data["data"], data["attempts"]) == (EMAIL, sent, 0)
    assert data["data"]["message"] == sent["message"]


def test_nothing_is_left_in_redis_when_a_job_has_run(make: Make, client: redis.Redis, appname: str) -> None:
    queue = make()
    got = received(queue)
    queue.push(EMAIL, {"n": 1})
    with listening(queue):
        got.get(timeout=PATIENCE)
    # What was answered to the last call stands for a minute.
    (left,) = client.scan_iter(f"{appname}*", count=10_000)
    assert b":sent:" in left
    assert 0 < client.ttl(left) <= 60


def test_the_handler_runs_in_the_thread_that_listens_and_stays_a_function(make: Make) -> None:
    queue = make()
    seen: SimpleQueue[threading.Thread] = SimpleQueue()

    @queue.handler()
    def handle(data: dict[str, Any]) -> None:
        seen.put(threading.current_thread())

    assert callable(handle)
    queue.push(EMAIL, {"n": 1})
    with listening(queue) as thread:
        assert seen.get(timeout=PATIENCE) is thread


def test_an_asynchronous_handler_runs_too(make: Make) -> None:
    queue = make()
    got: SimpleQueue[int] = SimpleQueue()

    @queue.handler
    async def handle(data: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        got.put(data["data"]["n"])

    for n in range(3):
        queue.push(EMAIL, {"n": n})
    with listening(queue):
        assert [got.get(timeout=PATIENCE) for _ in range(3)] == [0, 1, 2]


def test_every_handler_gets_every_job_and_a_listener_of_the_event_is_a_handler(make: Make) -> None:
    queue = make()
    one = received(queue)
    two: SimpleQueue[dict[str, Any]] = SimpleQueue()
    assert isinstance(queue.ee, EventEmitter)
    queue.ee.on("queued", two.put)
    queue.push(EMAIL, {"n": 1})
    with listening(queue):
        assert one.get(timeout=PATIENCE) == two.get(timeout=PATIENCE)


def test_a_failing_job_waits_for_its_delay_and_runs_as_often_as_was_said(make: Make) -> None:
    queue = make(retry_delay=1, retry_jitter=False, retry_strategy=RetryStrategy.LINEAR, max_retries=3)
    began: SimpleQueue[float] = SimpleQueue()

    @queue.handler
    def handle(data: dict[str, Any]) -> None:
        began.put(time.monotonic())
        raise ValueError("no such address")

    queue.push(EMAIL, {"to": "ann"})
    with listening(queue):
        moments = [began.get(timeout=PATIENCE) for _ in range(3)]
        (letter,) = until(queue.get_dead_letter_jobs)
    assert 1.0 <= moments[1] - moments[0] < 2.0 <= moments[2] - moments[1] < 3.5
    assert (letter["retry_count"], letter["max_retries"], letter["queue"]) == (3, 3, "python")
    assert letter["error"]["type"] == "ValueError"
    assert letter["error"]["message"] == "no such address"
    assert letter["original_job"]["displayName"] == EMAIL
    told = queue.get_retry_statistics()
    assert (told["total_retries"], told["dead_letter_jobs"], told["failed_retries"]) == (2, 1, 1)
    metrics = queue.get_metrics()
    assert metrics is not None
    assert metrics["general"]["total_failed"] == 3
    assert metrics["errors"]["error_counts"] == {"ValueError": 3}


def test_a_dead_letter_is_sent_back_once_and_runs_again(make: Make) -> None:
    queue = make(max_retries=1)
    got: SimpleQueue[int] = SimpleQueue()

    @queue.handler
    def handle(data: dict[str, Any]) -> None:
        got.put(data["attempts"])
        if got.qsize() == 1:
            raise ValueError

    queue.push(EMAIL, {"to": "ann"})
    with listening(queue):
        (letter,) = until(queue.get_dead_letter_jobs)
        assert queue.reprocess_dead_letter_job(letter)
        assert not queue.reprocess_dead_letter_job(letter)
        until(lambda: got.qsize() == 2)
    assert queue.get_dead_letter_jobs() == []


def test_the_dead_letters_of_an_older_version_are_listed_and_sent_back_once(
    make: Make, client: redis.Redis, appname: str
) -> None:
    queue = make()
    queue.push(EMAIL, {"to": "ann"})
    ready = f"{appname}_database_queues:python"
    payload = client.lpop(ready)
    client.delete(f"{ready}:notify")
    letter = b'{"original_job":%s,"error":{"type":"X","message":"m","timestamp":1},"retry_count":3}' % payload
    client.rpush(f"{ready}:failed", letter)
    (found,) = queue.get_dead_letter_jobs()
    assert found["retry_count"] == 3
    assert queue.reprocess_dead_letter_job(found)
    assert not queue.reprocess_dead_letter_job(found)
    assert client.llen(f"{ready}:failed") == 0
    got = received(queue)
    with listening(queue):
        assert got.get(timeout=PATIENCE)["data"] == {"to": "ann"}


def test_dead_letters_are_cleared_and_counted(make: Make) -> None:
    queue = make(retry_exceptions=[KeyError])

    @queue.handler
    def handle(data: dict[str, Any]) -> None:
        raise ValueError

    for n in range(3):
        queue.push(EMAIL, {"n": n})
    with listening(queue):
        until(lambda: len(queue.get_dead_letter_jobs()) == 3)
    assert queue.get_dead_letter_jobs(limit=2) == queue.get_dead_letter_jobs()[:2]
    assert queue.clear_dead_letter_queue() == 3
    assert queue.get_dead_letter_jobs() == []


def test_what_cannot_be_read_is_kept_and_stands_in_no_ones_way(make: Make, client: redis.Redis, appname: str) -> None:
    queue = make()
    for poison in (b"not json", b"{}", b"[]", b'{"job":"x","data":{},"attempts":"many"}'):
        client.rpush(f"{appname}_database_queues:python", poison)
    queue.push(EMAIL, {"n": 1})
    got = received(queue)
    with listening(queue):
        assert got.get(timeout=PATIENCE)["data"] == {"n": 1}
    assert len(queue.get_dead_letter_jobs()) == 4


def test_a_delayed_job_is_not_run_early(make: Make) -> None:
    queue = make()
    got = received(queue)
    sent = time.monotonic()
    queue.redisPush(EMAIL, {"n": 1}, delay=1.5)
    with listening(queue):
        got.get(timeout=PATIENCE)
    assert time.monotonic() - sent >= 1.4


def test_a_queue_that_idles_stops_at_once(make: Make) -> None:
    def seconds_to_stop() -> float:
        queue = make()
        queue.handler(print)
        with listening(queue) as thread:
            until(lambda: queue._engine is not None and queue._engine._resting is not None)
            began = time.monotonic()
            queue.shutdown()
            thread.join(PATIENCE)
            return time.monotonic() - began

    assert quickest(seconds_to_stop, 3.0) < 3.0


def test_without_a_handler_nothing_is_taken(make: Make, client: redis.Redis, appname: str) -> None:
    queue = make()
    queue.push(EMAIL, {"n": 1})
    with pytest.raises(RuntimeError, match="no handler"):
        queue.listen()
    assert client.llen(f"{appname}_database_queues:python") == 1


def test_many_quick_jobs_run_once_and_in_order(make: Make) -> None:
    queue = make()
    got = received(queue)
    for n in range(1500):
        queue.push(EMAIL, {"n": n})
    with listening(queue):
        assert [got.get(timeout=PATIENCE)["data"]["n"] for _ in range(1500)] == list(range(1500))


def test_what_waits_behind_a_slow_job_is_free_for_another_worker(make: Make) -> None:
    slow, other = make(), make()
    release, got = threading.Event(), received(other)

    @slow.handler
    def handle(data: dict[str, Any]) -> None:
        if data["data"]["n"] == 300:
            release.wait(PATIENCE)

    for n in range(320):
        slow.push(EMAIL, {"n": n})
    with listening(slow):
        until(lambda: (slow.get_metrics() or {})["general"]["total_processed"] == 300)
        with listening(other):
            assert sorted(got.get(timeout=PATIENCE)["data"]["n"] for _ in range(19)) == list(range(301, 320))
        release.set()


def test_what_cannot_be_sent_is_refused_in_a_sentence(make: Make) -> None:
    queue = make()
    with pytest.raises(ValueError, match="Failed to serialize job data"):
        queue.push(EMAIL, {"socket": object()})
    with pytest.raises(ValueError, match="driver"):
        make(driver="database")
    with pytest.raises(ValueError, match=r"redis\.asyncio\.Redis"):
        make(client=object())


def test_a_server_that_is_away_is_a_connection_error(own_redis: Callable[..., Redis]) -> None:
    server = own_redis()
    queue = Queue(redis.Redis(port=server.port), "python")
    server.kill()
    with pytest.raises(ConnectionError):
        queue.push(EMAIL, {"n": 1})
    with pytest.raises(ConnectionError):
        queue.get_dead_letter_jobs()


def test_laravel_runs_what_is_pushed_here_and_here_runs_what_it_dispatches(make: Make, peer: Application) -> None:
    queue = make(queue="default")
    queue.push(peer.task, {"name": "Ann 🎈", "n": 7, "opts": {"k": [1, 2.5]}})
    (ran,) = peer.work()
    assert (ran["name"], ran["n"], ran["opts"]) == ("Ann 🎈", 7, {"k": [1, 2.5]})
    got = received(queue)
    peer.send({"name": "Bob", "n": 8, "opts": {"message": "hi"}})
    with listening(queue):
        data = got.get(timeout=PATIENCE)
    assert data["name"] == peer.task
    assert data["data"] == {"name": "Bob", "n": 8, "opts": {"message": "hi"}}
