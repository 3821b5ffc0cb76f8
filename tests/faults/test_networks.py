"""The network between workers and their server is cut, stalled and slow, and connections are ended by the server."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import redis

from queuemgr.job import State
from queuemgr.testing.history import problems_of, words_of
from tests.crash.scene import Scene
from tests.servers.postgres import Postgres
from tests.servers.process import Server, until
from tests.servers.proxy import Proxy

from .load import Load, when_ended

pytestmark = [pytest.mark.crash, pytest.mark.slow]


def harm_under_load(scene: Scene, url: str, harm: Callable[[], None], times: int = 15) -> None:
    """Nobody dies, so every job runs once."""
    for _ in range(2):
        scene.start("serve", "concurrency=4", url=url)
    scene.until_joined(2)
    with Load(url) as load:
        for _ in range(times):
            load.until_sent(5)
            harm()
        load.until_sent(5)
    for record in when_ended(scene, load.ids):
        assert words_of(record) == ["succeeded"]
        assert scene.words(record.id) == ["start 1", "end 1"]


def test_no_job_is_lost_or_run_twice_where_connections_are_cut(scene: Scene, proxy: Proxy, roundabout: str) -> None:
    harm_under_load(scene, roundabout, proxy.cut)


def test_no_job_is_lost_or_run_twice_where_answers_are_cut_off(scene: Scene, proxy: Proxy, roundabout: str) -> None:
    chance = random.Random(7)
    harm_under_load(scene, roundabout, lambda: proxy.cut_in_an_answer(chance.choice((0, 0, 1, 20, 200))), 40)


def test_no_job_is_lost_or_run_twice_where_the_server_ends_connections(server: Server, scene: Scene) -> None:
    harm_under_load(scene, server.url, lambda: end_all_connections(server))


def end_all_connections(server: Server) -> None:
    if isinstance(server, Postgres):
        server.do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'queuemgr'")
    else:
        with redis.Redis.from_url(server.url) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")


def test_jobs_go_their_way_through_a_slow_network(scene: Scene, proxy: Proxy, roundabout: str) -> None:
    proxy.delay = 0.1
    scene.start("serve", "concurrency=4", url=roundabout)
    for record in when_ended(scene, scene.enqueue("async", number=20)):
        assert words_of(record) == ["succeeded"]


def test_a_worker_that_was_cut_off_for_longer_than_its_lease_changes_nothing_and_works_on(
    scene: Scene, proxy: Proxy, roundabout: str
) -> None:
    (job_id,) = scene.enqueue("wait for go")
    cut_off = scene.start("serve", url=roundabout, lease=2)
    scene.until_marked()
    other = scene.start("serve", "grace=0", host="another machine", lease=2)
    proxy.stall()
    _, again = scene.until_marked(2)
    assert (again.attempt, again.pid) == (2, other.pid)
    (scene.folder / "go").touch()
    scene.until_marked(4)
    until(lambda: scene.get(job_id).state is State.SUCCEEDED)
    other.terminate()
    other.wait()
    proxy.flow()
    until(lambda: "was taken from this worker" in scene.log(cut_off))
    record = scene.get(job_id)
    assert (words_of(record), problems_of(record)) == (["interrupted", "succeeded"], [])
    assert record.attempts[1].worker != record.attempts[0].worker
    for more in scene.enqueue("async", number=3):
        until(lambda more=more: scene.get(more).state is State.SUCCEEDED)


@pytest.mark.parametrize("pulse", [0, 1])
def test_a_claim_that_arrives_after_its_worker_s_death_loses_no_job(
    scene: Scene, proxy: Proxy, roundabout: str, pulse: int
) -> None:
    worker = scene.start("serve", f"pulse={pulse}", url=roundabout)
    scene.until_joined(1)
    proxy.stall()
    jobs = scene.enqueue("async", number=3)
    scene.until(lambda: proxy.held)
    worker.kill()
    worker.wait()
    proxy.flow()
    scene.start("serve")
    when_ended(scene, jobs)


@pytest.mark.parametrize("pulse", [0, 1])
def test_an_end_that_arrives_after_its_worker_s_death_counts_or_the_job_runs_again(
    scene: Scene, proxy: Proxy, roundabout: str, pulse: int
) -> None:
    (job_id,) = scene.enqueue("wait for go")
    worker = scene.start("serve", f"pulse={pulse}", url=roundabout)
    scene.until_marked()
    proxy.stall()
    (scene.folder / "go").touch()
    scene.until_marked(2)
    until(lambda: proxy.held)
    worker.kill()
    worker.wait()
    proxy.flow()
    scene.start("serve")
    (record,) = when_ended(scene, [job_id])
    assert words_of(record) in (["succeeded"], ["interrupted", "succeeded"])


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_worker_whose_clock_is_an_hour_off_keeps_its_job_and_takes_no_other_s(
    server: Server, scene: Scene, ahead: float
) -> None:
    (job_id,) = scene.enqueue("wait for go")
    scene.start("serve", "concurrency=1", lease=2)
    scene.until_marked()
    (odd_job,) = scene.enqueue("wait for go")
    scene.start("serve", "concurrency=1", host="another machine", ahead=ahead, lease=2)
    scene.until_marked(2)
    now = scene.store.clock.now()
    until(lambda: all(info.beat_at > now + 5 for info in scene.do(scene.store.workers())))
    assert [mark.attempt for mark in scene.marks()] == [1, 1]
    (later,) = scene.enqueue("async", run_at=scene.store.clock.now() + 1)
    (scene.folder / "go").touch()
    records = when_ended(scene, [job_id, odd_job, later])
    assert [words_of(record) for record in records] == [["succeeded"]] * 3
    started = records[2].attempts[0].started_at
    assert records[2].run_at is not None
    assert 0 <= started - records[2].run_at < 2
