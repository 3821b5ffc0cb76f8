"""Many jobs are changed by parts: no transaction is long, nobody else waits for all of them, none is left out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest

from queuemgr import keeping
from queuemgr.errors import StoreUnavailable
from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.stores.postgres import control
from queuemgr.stores.postgres.store import PostgresStore
from tests.postgres.rig import make_job

CHANGE = control.change


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "CHOSEN", 7)
    monkeypatch.setattr(keeping, "AT_ONCE", 3)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many jobs were changed in each transaction."""
    changed: list[int] = []

    def noted(*given: Any) -> int:
        changed.append(CHANGE(*given))
        return changed[-1]

    monkeypatch.setattr(control, "change", noted)
    return changed


async def counted(store: PostgresStore, *states: State) -> int:
    return len((await store.find(Query(states=states), 1000)).jobs)


@pytest.mark.parametrize(
    ("verb", "state"),
    [("hold", State.HELD), ("cancel", State.CANCELLED), ("retry", State.READY), ("delete", None)],
)
@pytest.mark.parametrize("by_id", [True, False])
def test_many_jobs_are_changed_in_transactions_of_a_few(
    store: PostgresStore, few: None, parts: list[int], verb: str, state: State | None, by_id: bool
) -> None:
    async def main() -> None:
        jobs = [make_job(tags=("t",), run_at=time.time() + 60) for _ in range(50)]
        await store.enqueue(jobs)
        await store.enqueue([make_job("another", run_at=time.time() + 60)])
        query = Query(ids=tuple(job.id for job in jobs)) if by_id else Query(task="task")
        assert await store.change(verb, query) == 50
        assert sum(parts) == 50
        assert max(parts) == keeping.AT_ONCE
        left = await store.find(Query(task="task"), 1000)
        assert {job.state for job in left.jobs} == ({state} if state is not None else set())
        assert await counted(store, State.SCHEDULED) == 1
        await store.close()

    asyncio.run(main())


def test_both_what_waits_and_what_has_ended_is_reached(store: PostgresStore, few: None) -> None:
    async def main() -> None:
        jobs = [make_job(run_at=time.time() + 60) for _ in range(30)]
        await store.enqueue(jobs)
        assert await store.change("cancel", Query(ids=tuple(job.id for job in jobs[::2]))) == 15
        assert await store.change("retry", Query(states=tuple(State))) == 30
        assert await counted(store, State.READY) == 30
        assert await store.prioritise(Query(), 9) == 30
        assert await store.change("delete", Query()) == 30
        assert await counted(store) == 0
        await store.close()

    asyncio.run(main())


def test_a_job_that_moves_while_many_are_changed_is_changed_once(store: PostgresStore, few: None) -> None:
    async def main() -> None:
        await store.enqueue([make_job(run_at=time.time() + 60) for _ in range(50)])
        retrying = asyncio.create_task(store.change("retry", Query(queue="default")))
        while not retrying.done():
            # Those that were retried come back to a state that can be retried.
            await store.change("cancel", Query(states=(State.READY,)))
        assert await retrying == 50
        await store.close()

    asyncio.run(main())


def test_what_was_broken_off_is_ended_by_the_same_call(
    store: PostgresStore, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = 0

    def twice(verb: str, query: Query, seqs: Sequence[int] | None, *more: Any) -> int:
        nonlocal done
        done += 1
        if done == 3:
            raise StoreUnavailable("the server is gone")
        return CHANGE(verb, query, seqs, *more)

    async def main() -> None:
        await store.enqueue([make_job() for _ in range(20)])
        monkeypatch.setattr(control, "change", twice)
        with pytest.raises(StoreUnavailable):
            await store.change("cancel", Query(task="task"))
        assert await counted(store, State.CANCELLED) == 2 * keeping.AT_ONCE
        assert await store.change("cancel", Query(task="task")) == 20 - 2 * keeping.AT_ONCE
        assert await counted(store, State.CANCELLED) == 20
        await store.close()

    asyncio.run(main())


def test_who_looks_does_not_wait_for_all_of_a_change(store: PostgresStore, few: None, parts: list[int]) -> None:
    async def main() -> None:
        await store.enqueue([make_job() for _ in range(50)])
        holding = asyncio.create_task(store.change("hold", Query()))
        while not parts:
            await asyncio.sleep(0)
        assert await counted(store) == 50
        assert not holding.done()
        assert await holding == 50
        await store.close()

    asyncio.run(main())
