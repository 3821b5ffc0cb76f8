"""What workers count of their own runs, on every store."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, cast

import pytest

from queuemgr import App, Backoff
from queuemgr.errors import StoreUnavailable, Unsupported
from queuemgr.job import Lease, State, new_id
from queuemgr.outcome import SUCCEEDED, Verdict
from queuemgr.service.observe.measuring import measure_now
from queuemgr.service.observe.sample import Sample, figure
from queuemgr.store import Settlement, Store
from queuemgr.tally import EVERY, MOST_ROWS, OTHER, Count, Tally, memory_of_tree
from queuemgr.testing.clock import ManualClock
from tests.observe.rig import Stage, staged

AGAIN = Verdict(State.SCHEDULED, "failed", failed=True)
GIVEN_UP = Verdict(State.DEAD, "failed", failed=True)
SNOOZED = Verdict(State.SCHEDULED, "snoozed")


def lease(began: float, queue: str = "q", task: str = "t", attempt: int = 1, job_id: str = "x") -> Lease:
    return Lease(1, job_id, task, queue, attempt, 0, 0, False, None, b"", began)


def ended(began: float, at: float, verdict: Verdict = SUCCEEDED, **more: Any) -> Settlement:
    return Settlement(lease(began, **more), "w", verdict, at)


def test_runs_are_in_the_measures_as_soon_as_their_worker_has_stopped(store_url: str) -> None:
    app = App(store_url, backoff=Backoff("fixed", 0.0))

    @app.task(queue="mail", attempts=2)
    async def task(good: bool) -> None:
        if not good:
            raise ValueError("no")

    async def play() -> Sample:
        try:
            for good in (True, True, True, False):
                await task.aenqueue(good)
            await app.worker(burst=True).run()
            return await measure_now(app.aio)
        finally:
            await app.aio.store.close()

    sample = asyncio.run(asyncio.wait_for(play(), 60))
    count = sample.counts["mail"]
    assert (count.done, count.failed, count.retried, count.dead) == (3, 2, 1, 1)
    assert [(queue, name) for queue, name, _ in sample.totals] == [("mail", task.name)]
    assert 0 < count.waits <= 4
    assert 0 < count.run < 60
    assert (figure(sample, "failure_rate"), figure(sample, "dead", "mail")) == (0.4, 1)
    assert (sample.memory or 0) > 1_000_000


def test_what_the_store_did_not_take_is_not_counted(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        now = stage.clock.now()
        tally = Tally(stage.store, "w", 4, {})
        tally.count([ended(now - 2, now), ended(now - 1, now)], [True, False])
        await tally.tell()
        assert (await measure_now(stage.client)).counts["q"] == Count(done=1, run=2.0)

    staged(tmp_path, scene)


def test_each_end_of_a_run_is_counted_as_what_it_is(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        now = stage.clock.now()
        tally = Tally(stage.store, "w", 4, {})
        verdicts = [SUCCEEDED, AGAIN, GIVEN_UP, SNOOZED, Verdict(State.CANCELLED, "cancelled")]
        tally.count([ended(now - 1, now, verdict) for verdict in verdicts], [True] * 5)
        await tally.tell()
        assert (await measure_now(stage.client)).counts["q"] == Count(1, 2, 1, 1, 3.0)

    staged(tmp_path, scene)


def test_it_tells_every_ten_seconds(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        tally = Tally(stage.store, "w", 4, {})
        await tally.tend()
        tally.count([ended(stage.clock.now() - 1, stage.clock.now())], [True])
        stage.clock.advance(EVERY - 1)
        await tally.tend()
        assert (await measure_now(stage.client)).counts == {}
        stage.clock.advance(1)
        await tally.tend()
        assert (await measure_now(stage.client)).counts["q"].done == 1

    staged(tmp_path, scene)


def test_a_job_that_still_runs_keeps_its_slot_busy(tmp_path: Path) -> None:
    class Run:
        def __init__(self, began: float) -> None:
            self.lease = lease(began)

    async def scene(stage: Stage) -> None:
        running = {1: Run(stage.clock.now() - 1000)}
        tally = Tally(stage.store, "w", 4, running)
        await tally.tend()
        for _ in range(5):
            stage.clock.advance(EVERY)
            await tally.tend()
        assert figure(await measure_now(stage.client), "worker_utilization") == pytest.approx(0.25)

    staged(tmp_path, scene)


def test_a_run_over_several_tellings_is_busy_once(tmp_path: Path) -> None:
    class Run:
        def __init__(self, began: float) -> None:
            self.lease = lease(began)

    async def scene(stage: Stage) -> None:
        running: dict[int, Run] = {}
        tally = Tally(stage.store, "w", 1, running)
        await tally.tend()
        began = stage.clock.advance(5)
        running[1] = Run(began)
        stage.clock.advance(5)
        await tally.tend()
        stage.clock.advance(5)
        del running[1]
        tally.count([ended(began, stage.clock.now())], [True])
        stage.clock.advance(5)
        await tally.tend()
        sample = await measure_now(stage.client)
        assert (sample.busy, sample.capacity) == (10, 20)

    staged(tmp_path, scene)


def test_wait_is_measured_from_the_making_of_a_job_to_its_first_run(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        job_id = new_id()
        made = int(job_id[:8] + job_id[9:13], 16) / 1000
        tally = Tally(stage.store, "w", 1, {})
        tally.count([ended(made + 3, made + 4, job_id=job_id)], [True])
        tally.count([ended(made + 90, made + 91, job_id=job_id, attempt=2)], [True])
        tally.count([ended(made + 3, made + 4, job_id="named by somebody")], [True])
        await tally.tell()
        count = (await measure_now(stage.client)).counts["q"]
        assert (count.wait, count.waits) == (pytest.approx(3), 1)

    staged(tmp_path, scene)


def test_more_tasks_than_can_be_told_apart_are_counted_together(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        now = stage.clock.now()
        tally = Tally(stage.store, "w", 1, {})
        many = [ended(now, now, task=f"t{number}") for number in range(MOST_ROWS + 7)]
        tally.count(many, [True] * len(many))
        await tally.tell()
        sample = await measure_now(stage.client)
        assert sample.counts["q"].done + sample.counts[OTHER].done == MOST_ROWS + 7
        assert len(sample.totals) < MOST_ROWS

    staged(tmp_path, scene)


class Moody:
    """A store that takes a value and loses its answer, once."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def key_put_if_absent(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        put: bool = await self._store.key_put_if_absent(key, value, ttl)
        if not self.lost:
            self.lost = 1
            raise StoreUnavailable("the answer was lost")
        return put


def test_what_is_told_again_after_a_lost_answer_counts_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(stage: Stage) -> None:
        now = stage.clock.now()
        tally = Tally(Moody(stage.store), "w", 1, {})
        tally.count([ended(now, now)], [True])
        with caplog.at_level(logging.WARNING):
            await tally.tell()
        tally.count([ended(now, now)], [True])
        await tally.tell()
        assert (await measure_now(stage.client)).counts["q"].done == 2
        assert "could not be told" in caplog.text

    staged(tmp_path, scene)


def test_the_memory_of_a_worker_includes_that_of_its_children() -> None:
    import subprocess
    import sys

    before = memory_of_tree()
    code = "x = bytearray(50_000_000); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert memory_of_tree() - before > 50_000_000
        child.communicate(b"\n")


class Keyless:
    """A store without small values beside its jobs, as some that only carry jobs are."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("key_"):
            return getattr(self._store, name)

        async def refuse(*_given: Any) -> Any:
            self.asked += 1
            raise Unsupported("it keeps no small values")

        return refuse


def test_a_store_that_keeps_no_counts_is_asked_once_and_left_in_peace(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        store: Any = Keyless(stage.store)
        tally = Tally(store, "w", 1, {})
        for _ in range(3):
            stage.clock.advance(EVERY)
            await tally.tell()
        assert store.asked == 1
        await stage.enqueue(2)
        stage.client.store = store
        sample = await measure_now(stage.client)
        assert figure(sample, "queue_length") == 2
        await asyncio.wait_for(stage.sampler().run(), 5)

    staged(tmp_path, scene)


def test_what_is_told_twice_at_once_is_told_once() -> None:
    kept: list[bytes] = []

    class Slow:
        clock = ManualClock()

        async def key_add(self, key: str, _by: int, _ttl: float) -> int:
            await asyncio.sleep(0)
            return len(kept) + 1

        async def key_put_if_absent(self, key: str, value: bytes, _ttl: float) -> bool:
            await asyncio.sleep(0)
            kept.append(value)
            return True

    async def scene() -> None:
        tally = Tally(cast("Store", Slow()), "w", 1, {})
        tally.count([ended(0.0, 1.0)], [True])
        telling = asyncio.create_task(tally.tell())
        await asyncio.sleep(0)
        tally.count([ended(0.0, 1.0)], [True])
        await tally.tell()
        await telling

    asyncio.run(scene())
    assert len(kept) == len(set(kept)) == 2
