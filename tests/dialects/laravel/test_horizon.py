"""Our jobs carry the fields that Horizon reads, in the form in which its producer writes them. Horizon is not run."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from queuemgr.app import open_store
from queuemgr.dialects.laravel.format import Laravel
from queuemgr.job import Job, new_id
from queuemgr.store import Claim, Query
from queuemgr.testing.contract.stage import FAILED
from tests.dialects.laravel.test_table_life import end_one

from .application import Application

NOW = 1_795_315_460.25
TASK = "App\\Jobs\\Greet"
FIELDS = {"type", "tags", "silenced", "pushedAt"}


def job(**fields: Any) -> Job:
    return Job(**{"id": new_id(), "task": TASK, "args": b"[[]]", **fields})


@pytest.mark.parametrize("version", [8, 12, 13])
@pytest.mark.parametrize("tags", [(), ("mail", "user:7")])
@pytest.mark.parametrize("task", [TASK, "App\\Jobs\\Text@run"])
def test_every_kind_of_job_has_what_the_page_shows(version: int, tags: tuple[str, ...], task: str) -> None:
    sent = job(tags=tags, task=task, delay=5.0)
    told = json.loads(Laravel(version=version, horizon=True).write(sent, NOW))
    assert (told["type"], told["tags"], told["silenced"]) == ("job", list(tags), False)
    assert (told["pushedAt"], told["id"], told["uuid"]) == ("1795315460.2500", sent.id, sent.id)
    assert told["displayName"] == task.partition("@")[0]


def test_without_the_setting_only_jobs_with_tags_have_these_fields() -> None:
    assert not FIELDS & json.loads(Laravel().write(job(), NOW)).keys()
    assert json.loads(Laravel().write(job(tags=("a",)), NOW)).keys() >= FIELDS


def test_what_horizon_has_pushed_is_read_with_its_tags_and_its_moment_and_keeps_each_field() -> None:
    theirs = json.loads(Laravel(version=12, horizon=True).write(job(tags=("mail",)), NOW))
    theirs |= {"type": "notification", "silenced": True, "retry_of": "an earlier one"}
    record = json.dumps(theirs).encode()
    reading = Laravel(version=12).read(record, NOW)
    assert (reading.tags, reading.created_at) == (("mail",), NOW)
    again = json.loads(Laravel(version=12).restate(record, 3))
    assert again == theirs | {"attempts": 3}


def test_the_fields_stay_when_a_job_fails_and_is_sent_again(url: str) -> None:
    horizon = f"{url}&horizon=yes"

    async def play() -> list[dict[str, Any]]:
        store = open_store(horizon)
        await store.enqueue([job(tags=("mail",))])
        before = await _payload(store)
        await end_one(horizon, FAILED)
        await store.change("retry", Query())
        after = await _payload(store)
        await store.close()
        return [before, after]

    before, after = asyncio.run(play())
    assert {name: before[name] for name in FIELDS} == {name: after[name] for name in FIELDS}


async def _payload(store: Any) -> dict[str, Any]:
    (record,) = (await store.find(Query())).jobs
    payload: dict[str, Any] = json.loads(await store.raw(record.id))
    return payload


def test_laravels_worker_runs_what_bears_them_and_looking_writes_no_key_of_horizons(
    url: str, peer: Application
) -> None:
    async def send() -> None:
        store = open_store(f"{url}&horizon=yes")
        await store.enqueue([job(args=b'[[],{"n":1,"name":"ann"}]', tags=("mail",))])
        claim = Claim(worker="w", queues=(("other", 1),), limit=1, tasks=frozenset({TASK}))
        assert not (await store.claim(claim)).leases
        await store.close()

    asyncio.run(send())
    assert [ran["n"] for ran in peer.work()] == [1]
    parts = urlsplit(url)
    with redis.Redis(parts.hostname or "", parts.port or 0) as client:
        assert list(client.scan_iter(f"{peer.keys.prefix}*horizon*")) == []
