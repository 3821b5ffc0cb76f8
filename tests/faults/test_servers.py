"""The server is killed and started again under load, or another one takes its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis as Client

from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.testing.history import words_of
from tests.crash.scene import Scene
from tests.servers.process import Server, until
from tests.servers.proxy import Proxy
from tests.servers.redis import Redis, Sentinel

from .load import Load, when_ended

pytestmark = [pytest.mark.crash, pytest.mark.slow]


def test_nothing_acknowledged_is_lost_when_the_server_is_killed_again_and_again(server: Server, scene: Scene) -> None:
    for _ in range(2):
        scene.start("serve", "concurrency=4")
    scene.until_joined(2)
    with Load(server.url) as load:
        for _ in range(3):
            load.until_sent(20)
            server.restart()
        load.until_sent(20)
    when_ended(scene, load.ids)


def test_a_long_job_goes_on_while_the_server_is_away_and_is_not_run_twice(server: Server, scene: Scene) -> None:
    (job_id,) = scene.enqueue("wait for go")
    scene.start("serve")
    scene.until_marked()
    scene.start("serve", host="another machine")
    scene.until_joined(2)
    server.kill()
    (scene.folder / "go").touch()
    scene.until_marked(2)
    server.start()
    (record,) = when_ended(scene, [job_id])
    assert words_of(record) == ["succeeded"]
    assert scene.words(job_id) == ["start 1", "end 1"]


@pytest.fixture
def careless(own_redis: Callable[..., Redis], tmp_path: Path) -> Iterator[tuple[Redis, Scene]]:
    server = own_redis("--appendfsync", "everysec")
    scene = Scene(tmp_path, server.url)
    try:
        yield server, scene
    finally:
        scene.close()


def test_a_redis_that_syncs_each_second_loses_the_last_one_at_most_and_works_on(
    careless: tuple[Redis, Scene], record_property: Callable[[str, object], None]
) -> None:
    server, scene = careless
    scene.start("serve", "concurrency=4")
    scene.until_joined(1)
    with Load(server.url) as load:
        load.until_sent(100)
        server.restart()
        load.until_sent(20)
    until(lambda: scene.do(scene.store.count(Query(states=(State.READY, State.RUNNING)))) == 0)
    left = {record.id for record in scene.all_jobs()}
    lost = [number for number, job_id in enumerate(load.ids) if job_id not in left]
    record_property("lost", len(lost))
    assert all(number < 101 for number in lost), "what was sent after the restart is lost"
    when_ended(scene, [job_id for job_id in load.ids if job_id in left])


@pytest.fixture
def pair(own_redis: Callable[..., Redis]) -> tuple[Redis, Redis]:
    master = own_redis()
    replica = own_redis("--replicaof", "127.0.0.1", str(master.port))
    until(lambda: "'master_link_status': 'up'" in info(replica))
    return master, replica


def info(server: Redis) -> str:
    with Client.from_url(server.url) as client:
        return str(client.info("replication"))


def test_jobs_go_on_where_a_replica_becomes_the_master_behind_one_address(
    pair: tuple[Redis, Redis], tmp_path: Path
) -> None:
    master, replica = pair
    with Proxy(master.port) as proxy:
        scene = Scene(tmp_path, f"redis://127.0.0.1:{proxy.port}/0")

        def fail_over() -> None:
            assert replica.say("REPLICAOF NO ONE") == "+OK"
            proxy.to = replica.port
            proxy.cut()

        survive(scene, master, fail_over)


def test_jobs_go_on_where_a_sentinel_makes_the_replica_the_master(
    pair: tuple[Redis, Redis], own_sentinel: Callable[..., Sentinel], tmp_path: Path
) -> None:
    sentinel = own_sentinel(pair[0])
    scene = Scene(tmp_path, f"redis+sentinel://127.0.0.1:{sentinel.port}/queuemgr")
    survive(scene, pair[0], lambda: until(lambda: sentinel.master == pair[1].port))


def survive(scene: Scene, master: Redis, fail_over: Callable[[], object]) -> None:
    """What the replica has heard of is not lost, and what runs is not run twice."""
    try:
        (long,) = scene.enqueue("wait for go")
        scene.start("serve", "concurrency=4")
        scene.until_marked()
        short = scene.enqueue("async", number=20)
        when_ended(scene, short)
        until_replicated(master)
        master.kill()
        fail_over()
        when_ended(scene, scene.enqueue("async", number=20))
        (scene.folder / "go").touch()
        records = when_ended(scene, [long, *short])
        assert {tuple(words_of(record)) for record in records} == {("succeeded",)}
    finally:
        scene.close()


def until_replicated(master: Redis) -> None:
    """WAIT speaks of the writes of its own connection, so there has to be one: it follows all that others wrote."""
    with Client.from_url(master.url, single_connection_client=True) as client:
        client.set("the last word", "")
        assert client.wait(1, 30_000) == 1
