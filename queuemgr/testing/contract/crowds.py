"""What holds when many use one store at once, from threads, event loops and processes."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from queuemgr.errors import JobExists
from queuemgr.job import State, Unique
from queuemgr.store import Query
from queuemgr.testing.elsewhere import Elsewhere

from .stage import Cases, Stage, staged

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS, PROCESSES, CLAIMERS = 500, 4, 2


class CrowdCases(Cases):
    @staged
    async def test_eight_claimers_in_four_processes_never_share_a_job(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(JOBS)
        with ExitStack() as stack:
            crowd = [stack.enter_context(Elsewhere(stage.url)) for _ in range(PROCESSES)]
            for one in crowd:
                await asyncio.to_thread(one.ask, "hello")
            for one in crowd:
                one.send("drain", CLAIMERS, 5)
            leased = [job_id for one in crowd for job_id in await asyncio.to_thread(one.answer)]
        assert sorted(leased) == sorted(ids)
        assert await stage.store.count(Query(states=(State.SUCCEEDED,))) == JOBS

    @staged
    async def test_eight_claimers_of_one_store_never_share_a_job(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(JOBS)
        lists = await asyncio.gather(*(self._drain(stage, f"worker {n}") for n in range(8)))
        assert sorted(job_id for leased in lists for job_id in leased) == sorted(ids)

    async def _drain(self, stage: Stage, worker: str) -> list[str]:
        leased: list[str] = []
        while leases := await stage.claim(worker, limit=3):
            leased += [lease.id for lease in leases]
            assert all(await stage.store.settle([stage.settlement(lease, worker=worker) for lease in leases]))
        return leased

    @staged
    async def test_producers_in_processes_lose_nothing(self, stage: Stage) -> None:
        with ExitStack() as stack:
            crowd = [stack.enter_context(Elsewhere(stage.url)) for _ in range(PROCESSES)]
            for one in crowd:
                one.send("enqueue", 50)
            told = {job_id for one in crowd for job_id in (await asyncio.to_thread(one.answer))[1]}
        assert {lease.id for lease in await stage.claim()} == told
        assert len(told) == 50 * PROCESSES

    @staged
    async def test_of_many_jobs_with_one_key_one_is_accepted(self, stage: Stage) -> None:
        stores = [stage.store, await stage.another_store()]
        tries = [store.enqueue([stage.job(unique=Unique("key"))]) for _ in range(10) for store in stores]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(answer, JobExists) for answer in answers) == 19
        assert await stage.store.count(Query()) == 1

    @staged
    async def test_stores_of_several_event_loops_do_not_disturb_one_another(self, stage: Stage) -> None:
        failed: list[BaseException] = []

        async def produce() -> None:
            await asyncio.gather(*(stage.store.enqueue([stage.job()]) for _ in range(25)))

        threads = [threading.Thread(target=_in_loop, args=(produce, failed)) for _ in range(4)]
        for thread in threads:
            thread.start()
        await produce()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        assert failed == []
        assert await stage.store.count(Query()) == 125


def _in_loop(function: Callable[[], object], failed: list[BaseException]) -> None:
    try:
        asyncio.run(function())  # type: ignore[arg-type]
    except BaseException as error:
        failed.append(error)
