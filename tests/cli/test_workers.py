"""`queuemgr workers quiet`, `resume` and `stop`: by id, or all after asking."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from queuemgr.service.flatrecord import QUEUE
from queuemgr.wishes import Asked

from .conftest import Shop, ask, call


def test_a_worker_is_asked_by_its_id(shop: Shop, join: Callable[..., None], claim: Callable[..., None]) -> None:
    shop.task("add").enqueue(1, 2)
    join("w1")
    claim("w1")
    for verb in ("quiet", "resume", "stop"):
        told = ask("workers", verb, "w1", "--store", shop.url)
        assert told == {"verb": verb, "workers": [{"asked": verb, "worker": "w1", "running": 1}]}
        assert _asked(shop, "w1").wish == verb


def test_a_stop_tells_its_grace_time(shop: Shop, join: Callable[..., None]) -> None:
    join("w1")
    ask("workers", "stop", "w1", "--grace", "2m", "--store", shop.url)
    assert _asked(shop, "w1").grace == 120.0
    ask("workers", "stop", "w1", "--store", shop.url)
    assert _asked(shop, "w1").grace is None


def test_all_are_asked_once_that_was_confirmed(shop: Shop, join: Callable[..., None], terminal: None) -> None:
    join("w1")
    join("w2")
    refused = call("workers", "quiet", "--all", "--store", shop.url, input="n\n")
    assert refused.exit_code == 1
    assert "Quiet 2 workers?" in refused.stderr
    assert _unasked(shop, "w1")
    agreed = call("workers", "quiet", "--all", "--store", shop.url, input="y\n")
    assert agreed.exit_code == 0
    assert "queuemgr workers resume w1 w2" in agreed.stdout
    assert _asked(shop, "w1").wish == _asked(shop, "w2").wish == "quiet"


def test_nobody_is_asked_by_a_dry_run(shop: Shop, join: Callable[..., None]) -> None:
    join("w1")
    join("own", queues=(QUEUE,))
    told = ask("workers", "stop", "--all", "--dry-run", "--store", shop.url)
    assert [worker["id"] for worker in told["workers"]] == ["w1"]
    assert [one["id"] for one in ask("workers", "quiet", "own", "--dry-run", "--store", shop.url)["workers"]] == ["own"]
    assert _unasked(shop, "w1")
    assert "stop would reach 1 worker" in call("workers", "stop", "--all", "--dry-run", "--store", shop.url).stdout


def test_it_must_be_clear_which_workers_are_meant(shop: Shop, join: Callable[..., None]) -> None:
    join("w1")
    for words in ((), ("w1", "--all")):
        result = call("workers", "quiet", *words, "--store", shop.url)
        assert result.exit_code == 2
        assert "which workers to quiet" in result.stderr
    assert call("workers", "quiet", "--all", "--json", "--store", shop.url).exit_code == 2


def test_who_is_not_there_is_not_found(shop: Shop, join: Callable[..., None]) -> None:
    join("w1")
    result = call("workers", "stop", "w2", "--store", shop.url)
    assert result.exit_code == 3
    assert "there is no worker 'w2': known: w1" in result.stderr


def test_without_workers_it_is_said_how_to_start_one(shop: Shop) -> None:
    shop.app.client.count()
    result = call("workers", "stop", "--all", "--yes", "--store", shop.url)
    assert "there is no worker to stop" in result.stdout


def _asked(shop: Shop, worker: str) -> Asked:
    value = shop.app.client.run(shop.app.aio.store.key_get(f"queuemgr.wish:{worker}"), "key_get")
    return msgspec.json.decode(value, type=Asked)


def _unasked(shop: Shop, worker: str) -> bool:
    return shop.app.client.run(shop.app.aio.store.key_get(f"queuemgr.wish:{worker}"), "key_get") is None


def test_a_quiet_worker_serves_no_queue(shop: Shop, join: Callable[..., None]) -> None:
    join("w1", state="quiet")
    answer = ask("enqueue", "shop.add", "1", "2", "--store", shop.url)
    assert [one["why"] for one in answer["obstacles"]] == [
        "every worker is quiet or stops: the job waits until one takes jobs again"
    ]
    (queue,) = ask("queues", "list", "--store", shop.url)["queues"]
    assert queue["workers"] == 0
