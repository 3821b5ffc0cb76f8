"""A claim that was sent again, and whose first sending comes later after all, leases nothing that nobody hears of."""

from __future__ import annotations

import asyncio
import os

import pytest

from queuemgr.app import open_store
from queuemgr.job import Job, new_id
from queuemgr.liveness import birth_of, this_host
from queuemgr.store import Claim, WorkerInfo
from queuemgr.stores.postgres.encoding import encode_wish
from queuemgr.stores.postgres.store import PostgresStore

TICKET = 7


@pytest.mark.needs("postgresql")
def test_the_first_sending_of_a_claim_leases_nothing_after_the_second(postgres_url: str) -> None:
    async def scene() -> None:
        store = open_store(postgres_url)
        assert isinstance(store, PostgresStore)
        pid = os.getpid()
        await store.join(WorkerInfo(id="w", host=this_host(), pid=pid, birth=birth_of(pid) or 0))
        ids = [new_id(), new_id()]
        await store.enqueue([Job(id=job_id, task="t", args=b"[[]]") for job_id in ids])
        claim = Claim(worker="w", queues=[("default", 1)], limit=1, tasks=frozenset({"t"}))
        wish = encode_wish(claim, TICKET, store.lease, joined=True)
        begin = (await store._db.wires()).begin
        second = await store._claim(begin, wish, again=True)
        first = await store._claim(begin, wish, again=False)
        third = await store._claim(begin, wish, again=True)
        leased = [[lease.id for lease in answer.taken()] for answer in (second, first, third)]
        assert leased == [[ids[0]], [], [ids[0]]]
        later = await store._claim(begin, encode_wish(claim, TICKET + 1, store.lease, joined=True), again=False)
        assert [lease.id for lease in later.taken()] == [ids[1]]
        await store.close()

    asyncio.run(scene())
