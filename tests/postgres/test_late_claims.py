"""What a worker sent over a connection that was given up does nothing if it comes late, and neither does what one sent
that is dead: nobody would hear of it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from queuemgr.app import open_store
from queuemgr.errors import StoreError
from queuemgr.job import Job, State, new_id
from queuemgr.store import Claim
from queuemgr.stores.postgres.encoding import encode_wish, life_of
from queuemgr.stores.postgres.store import PostgresStore
from tests.postgres.rig import this_process

TICKET = 7


def opened(url: str) -> PostgresStore:
    store = open_store(url)
    assert isinstance(store, PostgresStore)
    return store


@pytest.mark.needs("postgresql")
def test_the_first_sending_of_a_claim_leases_nothing_after_the_second(postgres_url: str) -> None:
    async def scene() -> None:
        store, worker = opened(postgres_url), this_process()
        await store.join(worker)
        ids = [new_id(), new_id()]
        await store.enqueue([Job(id=job_id, task="t", args=b"[[]]") for job_id in ids])
        claim = Claim(worker="w", queues=[("default", 1)], limit=1, tasks=frozenset({"t"}))
        wish = encode_wish(claim, TICKET, store.lease, life_of(worker))
        begin = (await store._db.wires()).begin
        second = await store._claim(begin, wish, again=True)
        first = await store._claim(begin, wish, again=False)
        third = await store._claim(begin, wish, again=True)
        leased = [[lease.id for lease in answer.taken()] for answer in (second, first, third)]
        assert leased == [[ids[0]], [], [ids[0]]]
        later = await store._claim(begin, encode_wish(claim, TICKET + 1, store.lease, life_of(worker)), again=False)
        assert [lease.id for lease in later.taken()] == [ids[1]]
        await store.close()

    asyncio.run(scene())


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("again", [False, True], ids=["first sending", "second sending"])
def test_a_claim_of_a_dead_process_leases_nothing_to_the_one_that_has_its_name_now(
    postgres_url: str, again: bool
) -> None:
    async def scene() -> None:
        dead, successor = opened(postgres_url), opened(postgres_url)
        before, now = replace(this_process(), birth=1), this_process()
        await dead.join(before)
        await successor.join(now)
        job = Job(id=new_id(), task="t", args=b"[[]]")
        await successor.enqueue([job])
        claim = Claim(worker="w", queues=[("default", 1)], limit=1, tasks=frozenset({"t"}))
        begin = (await dead._db.wires()).begin
        # Its clock was ahead, so that its ticket is the larger one.
        late = encode_wish(claim, time.time_ns() * 2, dead.lease, life_of(before))
        assert not (await dead._claim(begin, late, again=again)).taken()
        assert [lease.id for lease in (await successor.claim(claim)).leases] == [job.id]
        with pytest.raises(StoreError, match="another process works as 'w'"):
            await dead.claim(claim)
        await dead.close()
        await successor.close()

    asyncio.run(scene())


@pytest.mark.needs("postgresql")
def test_a_dead_process_does_not_take_leave_for_the_one_that_has_its_name_now(postgres_url: str) -> None:
    async def scene() -> None:
        dead, successor = opened(postgres_url), opened(postgres_url)
        await dead.join(replace(this_process(), birth=1))
        await successor.join(this_process())
        await successor.enqueue([Job(id=new_id(), task="t", args=b"[[]]")])
        claim = Claim(worker="w", queues=[("default", 1)], limit=1, tasks=frozenset({"t"}))
        (lease,) = (await successor.claim(claim)).leases
        await dead.leave("w")
        assert (await successor.get(lease.id)).state is State.RUNNING
        assert [worker.birth for worker in await successor.workers()] == [this_process().birth]
        await successor.leave("w")
        assert (await successor.get(lease.id)).state is State.READY
        await dead.close()
        await successor.close()

    asyncio.run(scene())
