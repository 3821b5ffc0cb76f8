"""What is special to Laravel's queues: locks, chains, secrets, its own counts, and bytes that its workers damage."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import pytest
import redis

from queuemgr.dialects.laravel.keys import Keys
from queuemgr.dialects.laravel.store import LaravelStore
from queuemgr.errors import BadArguments, ConfigError
from queuemgr.job import State, Unique
from queuemgr.options import Options, policy_of
from queuemgr.outcome import Failed, judge
from queuemgr.store import Query
from queuemgr.testing.contract.stage import FAILED, Cases, Stage, retry_at, staged, staged_in_real_time

from .application import APP_KEY, Application

TASK = "App\\Jobs\\Greet"


@pytest.fixture
def client(url: str) -> redis.Redis:
    parts = urlsplit(url)
    return redis.Redis(parts.hostname or "", parts.port or 0)


def queue_of(stage: Stage) -> object:
    return keys_of(stage).queue("default")


def keys_of(stage: Stage) -> Keys:
    assert isinstance(stage.store, LaravelStore)
    return stage.store._keys


class LaravelCases(Cases):
    @pytest.fixture
    def url(self, url: str) -> str:
        return url


class TestNumbers(LaravelCases):
    @staged
    async def test_long_numbers_and_empty_arrays_outlive_every_attempt(self, stage: Stage, client: redis.Redis) -> None:
        data = b'{"n":[],"o":{},"id":1234567890123456789,"f":0.12345678901234567,"s":"\\u00e9\\/"}'
        raw = b'{"uuid":"u-1","job":"App\\\\Jobs\\\\Text@run","data":' + data + b',"attempts":0}'
        queue = keys_of(stage).queue("default")
        with client:
            client.rpush(queue.ready, raw)
            for failures in range(3):
                lease = await stage.lease(tasks=["App\\Jobs\\Text"])
                assert (lease.args, lease.failures) == (b"[[" + data + b"]]", failures)
                assert await stage.settle(lease, retry_at(stage.now() + 1))
                (waiting,) = client.zrange(queue.delayed, 0, -1)
                expected = raw.replace(b'"attempts":0', b'"attempts":%d' % (failures + 1))
                assert waiting.startswith(expected[:-1])
                stage.clock.advance(1)
            assert await stage.settle(await stage.lease(tasks=["App\\Jobs\\Text"]), FAILED)
        assert isinstance(stage.store, LaravelStore)
        assert await stage.store.raw("u-1") == raw.replace(b'"attempts":0', b'"attempts":4')

    @staged
    async def test_no_two_reservations_of_a_job_are_the_same(self, stage: Stage, client: redis.Redis) -> None:
        await stage.enqueue(TASK)
        seen = set()
        with client:
            for _ in range(4):
                lease = await stage.lease(tasks=[TASK])
                seen.update(client.zrange(keys_of(stage).queue("default").reserved, 0, -1))
                assert await stage.settle(lease, FAILED)
                assert await stage.change("retry", lease.id) == 1
        assert len(seen) == 4


class TestLocks(LaravelCases):
    async def _is_free(self, stage: Stage) -> bool:
        (sent,) = await stage.store.enqueue([stage.job(TASK, unique=Unique("key", on_conflict="existing"))])
        return not sent.existing

    @pytest.mark.parametrize("verb", ["cancel", "delete"])
    @staged
    async def test_the_key_is_free_when_the_job_is_done_away_with(self, stage: Stage, verb: str) -> None:
        job_id = await stage.enqueue(TASK, unique=Unique("key"))
        assert not await self._is_free(stage)
        assert await stage.change(verb, job_id) == 1
        assert await self._is_free(stage)

    @staged
    async def test_the_key_is_kept_until_a_job_that_was_stopped_has_ended(self, stage: Stage) -> None:
        job_id = await stage.enqueue(TASK, unique=Unique("key"))
        await stage.join()
        lease = await stage.lease(tasks=[TASK])
        assert await stage.settle(lease, retry_at(stage.now()))
        assert not await self._is_free(stage)
        lease = await stage.lease(tasks=[TASK])
        assert await stage.change("cancel", job_id) == 1
        assert await stage.settle(lease, retry_at(stage.now()))
        assert await stage.state(job_id) is State.CANCELLED
        assert await self._is_free(stage)

    @staged
    async def test_the_key_is_free_when_the_job_is_quarantined(self, stage: Stage) -> None:
        await stage.enqueue(TASK, unique=Unique("key"), crash_budget=1)
        mortal = await stage.join_mortal()
        await stage.lease("mortal", tasks=[TASK])
        mortal.kill()
        await stage.a_death_is_noticed()
        assert await stage.claim(tasks=[TASK]) == []
        assert await self._is_free(stage)


class TestTries(LaravelCases):
    async def _push(self, stage: Stage, client: redis.Redis, **fields: object) -> None:
        given = {"uuid": "u-1", "job": "App\\Jobs\\Text@run", "data": 1, "attempts": 0, **fields}
        with client:
            client.rpush(keys_of(stage).queue("default").ready, json.dumps(given))

    async def _delay_after(self, stage: Stage) -> float | None:
        """Seconds to its next attempt after a failure of the one job, None where it is dead."""
        lease = await stage.lease(tasks=["App\\Jobs\\Text"])
        policy = policy_of(Options(attempts=10), "thread", lease.options)
        verdict = judge(lease, Failed({"type": "builtins.ValueError", "message": "no"}), policy, stage.now())
        assert await stage.settle(lease, verdict)
        return None if verdict.run_at is None else verdict.run_at - stage.now()

    @staged
    async def test_its_list_of_delays_is_followed_and_its_last_one_repeated(
        self, stage: Stage, client: redis.Redis
    ) -> None:
        await self._push(stage, client, maxTries=4, backoff="1,5")
        for delay in (1.0, 5.0, 5.0, None):
            assert await self._delay_after(stage) == delay
            stage.clock.advance(10)
        assert await stage.state("u-1") is State.DEAD

    @staged
    async def test_until_its_moment_its_tries_do_not_count_and_then_it_is_dead(
        self, stage: Stage, client: redis.Redis
    ) -> None:
        await self._push(stage, client, maxTries=1, retryUntil=int(stage.now()) + 100, backoff=0)
        for _ in range(15):
            assert await self._delay_after(stage) == 0
        stage.clock.advance(101)
        assert await stage.claim(tasks=["App\\Jobs\\Text"]) == []
        record = await stage.store.get("u-1")
        assert (record.state, record.failures) == (State.DEAD, 15)
        assert "retryUntil" in str(record.error)

    @staged
    async def test_its_exceptions_are_counted_apart_from_its_tries(self, stage: Stage, client: redis.Redis) -> None:
        await self._push(stage, client, maxTries=9, maxExceptions=2, backoff=0)
        assert await self._delay_after(stage) == 0
        assert await self._delay_after(stage) is None

    @staged
    async def test_a_job_that_laravel_has_tried_often_enough_is_not_tried_again(
        self, stage: Stage, client: redis.Redis
    ) -> None:
        await self._push(stage, client, maxTries=2, attempts=2)
        assert await stage.claim(tasks=["App\\Jobs\\Text"]) == []
        assert "maxTries" in str((await stage.store.get("u-1")).error)


class TestCounting(LaravelCases):
    def make(self, url: str, clock: object) -> LaravelStore:
        return LaravelStore(f"{url}&crashes=attempts", clock)  # type: ignore[arg-type]

    @staged
    async def test_a_crash_can_use_up_an_attempt_as_it_does_in_laravel(self, stage: Stage) -> None:
        await stage.enqueue(TASK, options={"attempts": 1})
        mortal = await stage.join_mortal()
        await stage.lease("mortal", tasks=[TASK])
        mortal.kill()
        await stage.a_death_is_noticed()
        assert await stage.claim(tasks=[TASK]) == []
        assert await stage.store.count(Query(states=(State.DEAD,))) == 1

    @staged
    async def test_a_worker_that_leaves_uses_up_none(self, stage: Stage) -> None:
        await stage.enqueue(TASK, options={"attempts": 1})
        await stage.join()
        await stage.lease(tasks=[TASK])
        await stage.store.leave("worker")
        assert (await stage.lease("another", tasks=[TASK])).failures == 0


class TestWithLaravel(LaravelCases):
    @staged_in_real_time
    async def test_a_string_job_goes_both_ways(self, stage: Stage, peer: Application) -> None:
        await asyncio.to_thread(peer.tell, "string", '{"x": [1, {"y": []}]}')
        lease = await stage.lease(tasks=["App\\Jobs\\Text"])
        assert lease.args == b'[[{"x":[1,{"y":[]}]}]]'
        assert await stage.settle(lease)
        await stage.enqueue("App\\Jobs\\Text@run", args=b'[[{"x":[1.5,"z"]}]]')
        assert await asyncio.to_thread(peer.work) == [{"data": {"x": [1.5, "z"]}, "attempt": 1}]

    @staged_in_real_time
    async def test_a_chain_goes_on_whoever_runs_its_jobs(self, stage: Stage, peer: Application) -> None:
        await asyncio.to_thread(peer.tell, "chain", "4")
        for number in (1, 2):
            lease = await stage.lease(tasks=[TASK])
            assert json.loads(lease.args)[1]["n"] == number
            assert await stage.settle(lease)
        assert [ran["n"] for ran in await asyncio.to_thread(peer.work)] == [3, 4]
        assert await stage.store.count(Query()) == 0

    @staged_in_real_time
    async def test_a_chain_ends_with_a_job_that_is_dead(self, stage: Stage, peer: Application) -> None:
        await asyncio.to_thread(peer.tell, "chain", "2")
        assert await stage.settle(await stage.lease(tasks=[TASK]), FAILED)
        assert await asyncio.to_thread(peer.work) == []

    @staged_in_real_time
    async def test_a_lock_that_laravel_took_is_freed_by_the_end_of_the_job_here(
        self, stage: Stage, peer: Application
    ) -> None:
        for _ in range(2):
            await asyncio.to_thread(peer.tell, "unique", "42")
        lease = await stage.lease(tasks=["App\\Jobs\\Alone"])
        assert await stage.settle(lease)
        await asyncio.to_thread(peer.tell, "unique", "42")
        assert len(await stage.claim(tasks=["App\\Jobs\\Alone"])) == 1

    @staged_in_real_time
    async def test_a_lock_that_was_taken_here_holds_laravel_back_and_is_freed_by_its_worker(
        self, stage: Stage, peer: Application
    ) -> None:
        await stage.enqueue("App\\Jobs\\Alone", args=b'[[],{"n":1}]', unique=Unique("42"))
        await asyncio.to_thread(peer.tell, "unique", "42")
        assert await stage.store.count(Query()) == 1

    @staged_in_real_time
    async def test_laravel_counts_our_jobs_in_its_queues(self, stage: Stage, peer: Application) -> None:
        await stage.enqueue_many(3, TASK)
        await stage.enqueue(TASK, delay=100)
        await stage.claim(tasks=[TASK], limit=1)
        assert json.loads(await asyncio.to_thread(peer.tell, "size")) == {"size": 4}

    @staged_in_real_time
    async def test_our_retry_is_run_by_laravels_worker_as_the_next_attempt(
        self, stage: Stage, peer: Application
    ) -> None:
        await stage.enqueue(TASK, args=b'[[],{"n":1}]', options={"attempts": 3})
        assert await stage.settle(await stage.lease(tasks=[TASK]), retry_at(stage.now() - 1))
        assert await asyncio.to_thread(peer.work) == [{"name": None, "n": 1, "opts": None, "attempt": 2}]


class TestSecrets(LaravelCases):
    @pytest.fixture(autouse=True)
    def _key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("APP_KEY", APP_KEY)

    def make(self, url: str, clock: object) -> LaravelStore:
        return LaravelStore(f"{url}&encrypt=yes", clock)  # type: ignore[arg-type]

    @staged_in_real_time
    async def test_encrypted_jobs_go_both_ways(self, stage: Stage, peer: Application, client: redis.Redis) -> None:
        await asyncio.to_thread(peer.tell, "secret", "shh")
        lease = await stage.lease(tasks=["App\\Jobs\\Secret"])
        assert json.loads(lease.args)[1]["name"] == "shh"
        assert await stage.settle(lease)
        await stage.enqueue("App\\Jobs\\Secret", args=b'[[],{"name":"shh","opts":{}}]')
        with client:
            assert b"shh" not in client.lrange(keys_of(stage).queue("default").ready, 0, -1)[0]
        (ran,) = await asyncio.to_thread(peer.work)
        assert (ran["name"], ran["opts"]) == ("shh", [])


class TestRefusals(LaravelCases):
    @staged
    async def test_arguments_that_laravel_has_no_place_for_are_refused_before_anything_is_sent(
        self, stage: Stage
    ) -> None:
        for args, why in ((b'[["ann"]]', "by name"), (b'[[],{"queue":"x"}]', "queue"), (b"\x91\x90", "json")):
            with pytest.raises(BadArguments, match=why):
                await stage.store.enqueue([stage.job(TASK), stage.job(TASK, args=args)])
        assert await stage.store.count(Query()) == 0

    @pytest.mark.parametrize(
        ("part", "why"),
        [
            ("colour=red", "means nothing"),
            ("version=7", "8 to 13"),
            ("retry_after=0", "seconds"),
            ("encrypt=yes", "KEY"),
        ],
    )
    def test_an_address_that_means_nothing_is_refused(
        self, part: str, why: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("APP_KEY", raising=False)
        with pytest.raises(ConfigError, match=why) as refusal:
            LaravelStore(f"laravel+redis://:secret@host/0?{part}")
        assert "secret" not in str(refusal.value)
