"""What cannot be run ends among the dead with its bytes, and stops no worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import redis

from queuemgr.dialects.laravel.keys import Keys
from queuemgr.dialects.laravel.store import LaravelStore
from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.testing.contract.stage import FAILED, Cases, Stage, staged

TASK = "App\\Jobs\\Greet"
COMMAND = "Illuminate\\Queue\\CallQueuedHandler@call"
TOO_DEEP = 1_000_000  # from Python 3.14 on only the size of the stack bounds what C code may read


def command(text: str, **fields: object) -> bytes:
    data = {"commandName": TASK, "command": text}
    return json.dumps({"uuid": "u-1", "job": COMMAND, "data": data, "attempts": 0, **fields}).encode()


POISON = {
    "truncated": command('O:14:"App\\Jobs\\Greet":0:{}')[:-20],
    "empty": b"",
    "binary": bytes(range(256)),
    "no object": b'["job"]',
    "no attempts": b'{"job":"App\\\\Jobs\\\\Greet","data":1}',
    "attempts as text": b'{"job":"App\\\\Jobs\\\\Greet","data":1,"attempts":"many"}',
    "job as number": b'{"job":7,"data":1,"attempts":0}',
    "deep": b'{"job":"App\\\\Jobs\\\\Greet","attempts":0,"data":' + b"[" * TOO_DEEP + b"]" * TOO_DEEP + b"}",
    "two jobs": b'{"job":"App\\\\Jobs\\\\Greet","job":"App\\\\Jobs\\\\Other","data":1,"attempts":0}',
    "no class": command("O:4:"),
    "a lying length": command('O:14:"App\\Jobs\\Greet":1:{s:9999:"name";s:1:"x";}'),
    "a lying number": command('O:14:"App\\Jobs\\Greet":999999999:{}'),
    "another class": command('O:8:"Evil\\Job":0:{}'),
    "nested": command('O:14:"App\\Jobs\\Greet":1:{s:1:"a";' + "a:1:{i:0;" * 5000 + "N;" + "}" * 5001),
    "no such reference": command('O:14:"App\\Jobs\\Greet":1:{s:1:"a";r:77;}'),
    "itself": command('O:14:"App\\Jobs\\Greet":1:{s:1:"a";r:1;}'),
    "doubling": command(
        'O:14:"App\\Jobs\\Greet":26:{s:2:"p0";a:2:{i:0;i:1;i:1;i:1;}'
        + "".join(
            f's:{len(f"p{n}")}:"p{n}";a:2:{{i:0;R:{2 if n == 1 else 4 + n};i:1;R:{2 if n == 1 else 4 + n};}}'
            for n in range(1, 26)
        )
        + "}"
    ),
}


@pytest.fixture
def client(url: str) -> redis.Redis:
    parts = urlsplit(url)
    return redis.Redis(parts.hostname or "", parts.port or 0)


def keys_of(store: object) -> Keys:
    assert isinstance(store, LaravelStore)
    return store._keys


class TestPoison(Cases):
    @pytest.fixture
    def url(self, url: str) -> str:
        return url

    @pytest.mark.parametrize("poison", list(POISON.values()), ids=list(POISON))
    @staged
    async def test_it_ends_among_the_dead_with_its_bytes(
        self, stage: Stage, client: redis.Redis, poison: bytes
    ) -> None:
        with client:
            client.rpush(keys_of(stage.store).queue("default").ready, poison)
        sound = await stage.enqueue(TASK)
        assert [lease.id for lease in await stage.claim(tasks=[TASK])] == [sound]
        (dead,) = (await stage.store.find(Query(states=(State.DEAD,)))).jobs
        assert dead.error
        assert dead.error["reason"]
        assert isinstance(stage.store, LaravelStore)
        assert await stage.store.raw(dead.id) == poison
        assert await stage.claim(tasks=[TASK]) == []

    @staged
    async def test_it_can_be_deleted_or_sent_back(self, stage: Stage, client: redis.Redis) -> None:
        ready = keys_of(stage.store).queue("default").ready
        with client:
            client.rpush(ready, POISON["truncated"])
            assert await stage.claim(tasks=[TASK]) == []
            assert await stage.store.change("retry", Query(states=(State.DEAD,))) == 1
            assert client.lrange(ready, 0, -1) == [POISON["truncated"]]
        assert await stage.claim(tasks=[TASK]) == []
        assert await stage.store.change("delete", Query(states=(State.DEAD,))) == 1
        assert await stage.store.count(Query()) == 0

    @staged
    async def test_a_payload_of_a_hundred_megabytes_is_put_aside_without_being_read(
        self, stage: Stage, client: redis.Redis
    ) -> None:
        queue = keys_of(stage.store).queue("default")
        huge = b'{"job":"App\\\\Jobs\\\\Greet","attempts":0,"data":"' + b"x" * 100_000_000 + b'"}'
        with client:
            client.rpush(queue.ready, huge)
            sound = await stage.enqueue(TASK)
            assert [lease.id for lease in await stage.claim(tasks=[TASK])] == [sound]
            ((job_id, size),) = [(name, client.hstrlen(queue.bodies, name)) for name in client.hkeys(queue.bodies)]
            assert size == len(huge)
            client.delete(queue.bodies)
        assert "max_payload" in str((await stage.store.get(job_id.decode())).error)

    @staged
    async def test_numbers_that_cannot_be_are_passed_over(self, stage: Stage, client: redis.Redis) -> None:
        fields = (
            *("maxTries", "timeout", "retryUntil", "maxExceptions", "createdAt", "pushedAt", "backoff"),
            *("failOnTimeout", "tags", "queuemgr", "uuid", "id", "displayName"),
        )
        numbers = (b"1e999", b"-1e999", b'"nan"', b'"1e400"', b"[]", b"true", b"{}", b"1" * 400, b'""')
        queue = keys_of(stage.store).queue("default")
        with client:
            for number in numbers:
                more = b",".join(b'"%s":%s' % (name.encode(), number) for name in fields)
                client.rpush(queue.ready, b'{"job":"App\\\\Jobs\\\\Greet","data":%s,"attempts":0,%s}' % (number, more))
        assert (await stage.store.find(Query())).jobs
        leases = await stage.claim(tasks=[TASK])
        assert len(leases) == len(numbers)
        for lease in leases:
            assert await stage.settle(lease, FAILED)
        assert await stage.store.count(Query(states=(State.DEAD,))) == len(numbers)

    @staged
    async def test_the_same_bytes_sent_twice_are_two_jobs(self, stage: Stage, client: redis.Redis) -> None:
        with client:
            client.rpush(keys_of(stage.store).queue("default").ready, *[command('O:14:"App\\Jobs\\Greet":0:{}')] * 3)
        for worker in ("one", "two", "three"):
            lease = await stage.lease(worker, tasks=[TASK])
            assert await stage.claim("another", tasks=[TASK]) == []
            assert await stage.settle(lease, worker=worker)
        assert await stage.store.count(Query()) == 0

    @staged
    async def test_a_poison_in_another_queue_does_not_matter(self, stage: Stage, client: redis.Redis) -> None:
        with client:
            client.rpush(keys_of(stage.store).queue("other").ready, POISON["truncated"])
        sound = await stage.enqueue(TASK)
        leases = await stage.claim(tasks=[TASK], queues=["other", "default"])
        assert [lease.id for lease in leases] == [sound]

    @staged
    async def test_what_only_laravel_can_read_is_left_to_it(
        self, stage: Stage, client: redis.Redis, everything: Callable[[], object]
    ) -> None:
        batch = command('O:14:"App\\Jobs\\Greet":1:{s:7:"batchId";s:4:"9c01";}')
        layers = command('O:14:"App\\Jobs\\Greet":1:{s:10:"middleware";a:1:{i:0;O:3:"Foo":0:{}}}')
        sealed = command("eyJpdiI6IiJ9")
        with client:
            client.rpush(keys_of(stage.store).queue("default").ready, batch, layers, sealed)
        before = everything()
        assert await stage.claim(tasks=[TASK]) == []
        assert everything() == before
