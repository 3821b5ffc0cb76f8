"""A Redis Cluster is refused in a sentence, before a job is missed in it; with all keys on one node it works."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from queuemgr.app import open_store
from queuemgr.dialects.laravel.link import NO_CLUSTER
from queuemgr.dialects.laravel.store import LaravelStore
from queuemgr.errors import StoreError
from queuemgr.job import Job, State, new_id
from queuemgr.service.cli.main import main
from queuemgr.testing.contract.stage import FAILED
from tests.servers.process import until
from tests.servers.redis import Cluster

from .test_table_life import TASK, end_one, send

Own = Callable[..., Cluster]


@pytest.fixture
def cluster(own_cluster: Own) -> Cluster:
    return own_cluster()


def ask(url: str, *words: str) -> Result:
    return CliRunner().invoke(main, ["--store", url, *words])


def test_it_is_refused_in_a_sentence_whatever_is_asked(cluster: Cluster) -> None:
    for node in cluster.nodes:
        for more in ("", "?braces=yes"):
            url = f"laravel+redis://127.0.0.1:{node.port}/0{more}"
            for words in (["queues", "list"], ["jobs", "list"], ["enqueue", TASK, "n=1"]):
                done = ask(url, *words)
                assert done.exit_code != 0
                assert "node of a cluster" in done.output
        store = LaravelStore(f"laravel+redis://127.0.0.1:{node.port}/0")
        with pytest.raises(StoreError, match="node of a cluster"):
            store.enqueue_now([Job(id=new_id(), task=TASK, args=b"[[]]")])
        store._link._direct.close()


def test_with_a_prefix_in_braces_the_node_that_has_its_keys_is_used_and_others_say_so(cluster: Cluster) -> None:
    urls = [f"laravel+redis://127.0.0.1:{node.port}/0?prefix=%7Bshop%7D_database_" for node in cluster.nodes]

    async def can(url: str) -> bool:
        store = open_store(url)
        try:
            await store.enqueue([Job(id=new_id(), task=TASK, args=b"[[]]", queue="probe")])
        except StoreError as error:
            return NO_CLUSTER not in str(error)
        finally:
            await store.close()
        return True

    (home,) = until(lambda: [url for url in urls if asyncio.run(can(url))])
    ids = asyncio.run(send(home, 2))
    asyncio.run(end_one(home, FAILED))
    told = json.loads(ask(home, "jobs", "list", "--queue", "default", "--json").output)["jobs"]
    assert {one["id"]: one["state"] for one in told} == {ids[0]: State.DEAD.word, ids[1]: State.READY.word}
