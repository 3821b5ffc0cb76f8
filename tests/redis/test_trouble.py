"""Whatever is wrong with the server is told in a sentence, and nothing is half done."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from queuemgr.clock import SystemClock
from queuemgr.errors import ForeignStore, NewerStore, StoreError, StoreUnavailable
from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.stores.redis.store import RedisStore
from tests.redis.rig import claim, make_job, opened, settlement
from tests.servers.process import free_port
from tests.servers.redis import Redis

OwnRedis = Callable[..., Redis]
ROOT = Path(__file__).parents[2]


def told(url: str, kind: type[StoreError] = StoreUnavailable) -> str:
    """What somebody is told who opens the store and enqueues a job."""

    async def main() -> None:
        async with opened(url) as store:
            await store.enqueue([make_job()])

    with pytest.raises(kind) as caught:
        asyncio.run(main())
    return str(caught.value)


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    port = free_port()
    message = told(f"redis://user:secret@127.0.0.1:{port}/0")
    assert f"127.0.0.1:{port}" in message
    assert "secret" not in message
    assert "is the server running" in message


def test_a_producer_in_a_thread_is_told_the_same() -> None:
    store = RedisStore(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(StoreUnavailable, match="is the server running"):
        store.enqueue_now([make_job()])


def test_a_machine_that_is_gone_without_a_word_is_given_up_by_the_kernel(redis_url: str) -> None:
    def limits(ours: socket.socket) -> list[int]:
        return [ours.getsockopt(socket.IPPROTO_TCP, what) for what in (socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE)]

    async def main() -> None:
        async with opened(redis_url) as store:
            ear = await store._waiting._ears.get()
            assert limits(ear.transport.get_extra_info("socket")) == [20_000, 10]
            await asyncio.to_thread(store.enqueue_now, [make_job()])
            assert limits(store._server._idle[0]._socket) == [20_000, 10]

    asyncio.run(main())


def test_a_missing_and_a_wrong_password_are_told(own_redis: OwnRedis) -> None:
    server = own_redis()
    assert server.say("CONFIG SET requirepass secret") == "+OK"
    assert "wants a password" in told(server.url)
    assert "does not accept" in told(server.url.replace("//", "//:wrong@"))

    async def main() -> None:
        async with opened(server.url.replace("//", "//:secret@")) as store:
            await store.enqueue([make_job()])

    asyncio.run(main())


def test_what_those_say_who_should_know_the_server_is_passed_on(own_redis: OwnRedis) -> None:
    server = own_redis()
    place = f"127.0.0.1:{server.port}"
    assert f"{place} says: unknown command" in told(f"redis+sentinel://{place}/main")
    assert f"{place} says: This instance has cluster support disabled" in told(f"redis+cluster://{place}")
    assert server.say("CONFIG SET requirepass secret") == "+OK"
    assert f"{place} says: Authentication required" in told(f"redis+sentinel://{place}/main")
    assert f"{place} says: invalid username-password" in told(f"redis+cluster://:wrong@{place}")


def test_a_user_who_may_too_little_is_told_what_is_needed(own_redis: OwnRedis) -> None:
    server = own_redis()
    assert server.say("ACL SETUSER small on >secret ~other:* &* +@all") == "+OK"
    assert "@scripting" in told(server.url.replace("//", "//small:secret@"))


def test_a_user_with_the_rights_on_the_prefix_alone_can_do_everything(own_redis: OwnRedis) -> None:
    server = own_redis()
    rights = "~{queuemgr}:* resetchannels &{queuemgr}:* +@read +@write +@scripting +@pubsub +@connection +time"
    assert server.say(f"ACL SETUSER worker on >secret {rights}") == "+OK"

    async def main() -> None:
        async with opened(server.url.replace("//", "//worker:secret@")) as store:
            await store.enqueue([make_job()])
            (lease,) = await claim(store)
            waiting = asyncio.create_task(store.wait_finished(lease.id, 20))
            assert await store.settle([settlement(lease)]) == [True]
            assert await waiting is State.SUCCEEDED
            await store.wait(["default"], 0)

    asyncio.run(main())


def test_a_full_server_refuses_jobs_and_lets_workers_go_on(own_redis: OwnRedis) -> None:
    server = own_redis()

    async def main() -> None:
        async with opened(server.url) as store:
            first = [make_job(tags=("tag",)) for _ in range(3)]
            await store.enqueue(first)
            assert server.say("CONFIG SET maxmemory 1") == "+OK"
            with pytest.raises(StoreUnavailable, match=r"no memory left.*nothing of this call was kept"):
                await store.enqueue([make_job(tags=("tag",)) for _ in range(3)])
            assert await store.count(Query(tag="tag")) == 3
            leases = await claim(store)
            assert [lease.id for lease in leases] == [job.id for job in first]
            assert all(await store.settle(list(map(settlement, leases))))
            assert await store.change("delete", Query()) == 3
            assert server.say("CONFIG SET maxmemory 0") == "+OK"
            await store.enqueue([make_job()])

    asyncio.run(main())


@pytest.mark.parametrize(
    ("policy", "what"), [("allkeys-lru", "and jobs with them"), ("volatile-lru", "and what keeps a late command")]
)
def test_a_server_that_would_throw_our_keys_away_is_warned_of(
    own_redis: OwnRedis, caplog: pytest.LogCaptureFixture, policy: str, what: str
) -> None:
    server = own_redis("--maxmemory", "100mb", "--maxmemory-policy", policy)

    async def main() -> None:
        async with opened(server.url):
            pass

    with caplog.at_level(logging.WARNING, "queuemgr.store"):
        asyncio.run(main())
    assert f"noeviction, not {policy}" in caplog.text
    assert what in caplog.text


def test_a_server_that_writes_nothing_to_disk_is_warned_of_once(
    own_redis: OwnRedis, caplog: pytest.LogCaptureFixture
) -> None:
    server = own_redis("--appendonly", "no")

    async def main() -> None:
        async with opened(server.url):
            pass

    with caplog.at_level(logging.WARNING, "queuemgr.store"):
        asyncio.run(main())
    assert [record.getMessage().count("appendonly yes") for record in caplog.records] == [1]


def test_keys_of_a_newer_version_are_left_alone(own_redis: OwnRedis) -> None:
    server = own_redis()
    assert server.say("HSET {queuemgr}:meta schema 99") == ":1"
    assert "update queuemgr" in told(server.url, NewerStore)
    with pytest.raises(NewerStore):
        RedisStore(server.url).enqueue_now([make_job()])


def test_keys_of_somebody_else_are_left_alone(own_redis: OwnRedis) -> None:
    server = own_redis()
    assert server.say("HSET {queuemgr}:meta schema theirs") == ":1"
    assert "prefix=" in told(server.url, ForeignStore)


def test_a_server_that_is_still_loading_is_waited_for(own_redis: OwnRedis) -> None:
    server = own_redis("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")

    async def main() -> None:
        async with opened(server.url) as store:
            await store.enqueue([make_job() for _ in range(1500)])
            server.kill()
            server._process = server.spawn(server.command(), stdout=subprocess.DEVNULL)
            assert await store.count(Query()) == 1500

    asyncio.run(main())


def test_without_the_client_library_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['redis'] = None\n"
        "from queuemgr.app import open_store\n"
        "from queuemgr.errors import ConfigError\n"
        "try:\n    open_store('redis://localhost')\n"
        "except ConfigError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "queuemgr[redis]" in done.stdout


def test_the_clock_of_this_machine_may_be_an_hour_off(own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    server = own_redis()
    own = SystemClock.now
    monkeypatch.setattr(SystemClock, "now", staticmethod(lambda: own() + 3600))

    async def main() -> None:
        async with opened(server.url) as store:
            assert abs(store.clock.now() - own()) < 5
            job = make_job(delay=1000.0)
            await store.enqueue([job, make_job()])
            assert len(await claim(store)) == 1
            record = await store.get(job.id)
            assert record.run_at is not None
            assert abs(record.run_at - own() - 1000) < 5

    asyncio.run(main())


def test_tls_with_a_certificate_of_its_own(own_redis: OwnRedis, tmp_path: Path) -> None:
    key, certificate, port = tmp_path / "key", tmp_path / "certificate", free_port()
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    make: list[Any] = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-auth-clients", "no"]
    own_redis("--tls-port", str(port), *files)

    async def main() -> None:
        async with opened(f"rediss://127.0.0.1:{port}/0?tls_ca={certificate}") as store:
            await store.enqueue([make_job()])
            assert len(await asyncio.to_thread(store.enqueue_now, [make_job()])) == 1
            assert len(await claim(store)) == 2

    asyncio.run(main())
    assert "tls_ca" in told(f"rediss://127.0.0.1:{port}/0")
    assert "Does it want TLS (rediss://)?" in told(f"redis://127.0.0.1:{port}/0")
    with pytest.raises(StoreUnavailable, match="Does it want TLS"):
        RedisStore(f"redis://127.0.0.1:{port}/0").enqueue_now([make_job()])


def test_a_server_that_speaks_no_tls_is_told(own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queuemgr.stores.redis.connecting.CONNECT_TIMEOUT", 0.2)
    server = own_redis()
    assert "Does it speak TLS there?" in told(server.url.replace("redis://", "rediss://"))
    assert "TLS" not in told(f"redis://127.0.0.1:{free_port()}/0")


def test_a_unix_socket(own_redis: OwnRedis, tmp_path: Path) -> None:
    own_redis("--unixsocket", str(tmp_path / "socket"))

    async def main() -> None:
        async with opened(f"unix://{tmp_path}/socket?db=3&prefix=here") as store:
            await asyncio.to_thread(store.enqueue_now, [make_job()])
            assert len(await claim(store)) == 1

    asyncio.run(main())
