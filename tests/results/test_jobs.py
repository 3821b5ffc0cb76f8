"""Jobs with large results, from their run to their reader: executors, limits, growth, deaths and the clean-up."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App, Query
from queuemgr.errors import ConfigError, ResultError
from queuemgr.job import State
from queuemgr.result import REFERENCE, Owner, Results
from queuemgr.results.files import FilePlace
from queuemgr.testing.clock import ManualClock
from tests.pace import quickest
from tests.results.programs import rows
from tests.worker.rig import drain, run, until, working

MANY = 30_000
ROOT = Path(__file__).parents[2]


class Scene:
    """A store that processes of the program work on, and what they left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder}/jobs.db"
        self.app = App(self.url)
        self.results = folder / "jobs.db-results"
        self.environment = {**os.environ, "STORE": self.url, "NOTES": str(folder)}

    def enqueue(self, task: str, *arguments: Any, **options: Any) -> Any:
        def stand_in(*_: Any) -> None: ...

        return self.app.task(name=task, **options)(stand_in).enqueue(*arguments)

    def work(self, **environment: str) -> int:
        """A worker in a process of its own works until nothing is ready; how it ended."""
        with self.worker(**environment) as worker:
            return worker.wait(60)

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.results.programs"]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.environment | environment, stderr=log)

    def files(self) -> list[str]:
        """What is in the place, in its folders."""
        return sorted(
            p.relative_to(self.results).parts[0] for p in self.results.rglob("*") if len(p.parts) > 1 and p.is_file()
        )

    @property
    def kept(self) -> int:
        return len(list(self.results.glob("kept/*/result.zst")))

    @property
    def drafts(self) -> int:
        return len(list(self.results.glob("drafts/*")))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.app.close()


@pytest.mark.parametrize(
    "task", ["returns async", "returns thread", "returns process", "returns pool", "writes thread", "writes process"]
)
def test_100_000_records_come_back_whole_and_by_pages(task: str, scene: Scene) -> None:
    job = scene.enqueue(task, 100_000)
    assert scene.work() == 0
    assert job.result(0) == rows(100_000)
    assert job.page(77_000, 3) == rows(100_000)[77_000:77_003]
    assert [item for page in job.pages(9_000) for item in page] == rows(100_000)
    with job.open_result() as lines:
        assert json.loads(lines.readline()) == rows(1)[0]
    assert job.result_info().length == 100_000
    assert (scene.kept, scene.drafts) == (1, 0)


def test_the_record_stays_small_and_tells_the_size(scene: Scene) -> None:
    job = scene.enqueue("returns thread", MANY)
    scene.work()
    inside = asyncio.run(scene.app.aio.store.result(job.id))
    assert inside is not None
    assert len(inside) == REFERENCE
    size = job.result_info().size
    assert size > 1_000_000
    assert job.look().result_size == size
    [listed] = scene.app.client.find(Query(task="returns thread")).jobs
    assert listed.result_size == size


def test_the_command_line_shows_it(scene: Scene) -> None:
    jobs = [scene.enqueue("returns thread", MANY), scene.enqueue("returns thread", 400_000)]
    scene.work()
    seen = [_told("jobs", "show", job.id, "--store", scene.url, "--json") for job in jobs]
    assert seen[0]["result"] == {"value": rows(MANY), "size": jobs[0].look().result_size}
    assert seen[0]["job"]["result_size"] == jobs[0].look().result_size
    assert "list of 400,000, each {id: int, name: str, text: str}" in seen[1]["result"]["unreadable"]


def _told(*words: str) -> Any:
    done = subprocess.run([sys.executable, "-m", "queuemgr", *words], capture_output=True, cwd=ROOT, check=True)
    return json.loads(done.stdout)


def test_the_same_from_asynchronous_code(tmp_path: Path) -> None:
    app = App(f"sqlite:///{tmp_path}/jobs.db")

    @app.task
    async def many() -> dict[str, Any]:
        return {"data": rows(MANY), "count": MANY}

    async def main() -> None:
        job = await many.aenqueue()
        await drain(app)
        assert await job.result(5) == {"data": rows(MANY), "count": MANY}
        assert (await job.result_info()).lists == {"data": MANY}
        assert await job.page(10, 2, at="data") == rows(MANY)[10:12]
        assert [item async for page in job.pages(9_999, "data") for item in page] == rows(MANY)
        async with await job.open_result() as stream:
            text = b"".join([chunk async for chunk in stream])
        assert json.loads(text) == {"data": rows(MANY), "count": MANY}
        async with await job.open_result("data") as stream:
            await stream.seek(0)
            assert json.loads(await stream.readline()) == rows(1)[0]
        await app.aio.store.close()

    run(main)


def test_a_large_result_does_not_hold_up_the_event_loop(tmp_path: Path) -> None:
    app = App(f"sqlite:///{tmp_path}/jobs.db")
    value = [rows(20, "x" * 50) for _ in range(20_000)]

    @app.task
    async def large() -> list[Any]:
        return value

    async def main() -> float:
        longest, last = 0.0, asyncio.get_running_loop().time()
        async with working(app):
            job = await large.aenqueue()
            while not (await app.aio.get(job.id)).state.finished:
                await asyncio.sleep(0.001)
                now = asyncio.get_running_loop().time()
                longest, last = max(longest, now - last), now
        return longest

    assert quickest(lambda: run(main), 0.5) < 0.5


def test_equal_results_share_their_bytes_until_the_last_job_goes(scene: Scene) -> None:
    one, other = scene.enqueue("returns thread", MANY), scene.enqueue("returns process", MANY)
    scene.work()
    assert scene.kept == 1
    one.delete()
    scene.app.client.prune()
    assert scene.kept == 1
    assert other.result(0) == rows(MANY)
    other.delete()
    scene.app.client.prune()
    assert scene.kept == 0
    assert list((scene.results / "kept").iterdir()) == []


def test_a_job_that_runs_again_leaves_its_old_result_to_the_clean_up(scene: Scene) -> None:
    job = scene.enqueue("returns thread", MANY)
    scene.work()
    job.retry()
    scene.app.client.prune()
    assert scene.kept == 0
    scene.work()
    assert job.result(0) == rows(MANY)


@pytest.mark.crash
def test_a_death_in_the_middle_leaves_nothing_and_the_next_attempt_is_whole(scene: Scene) -> None:
    job = scene.enqueue("dies in the middle", MANY)
    scene.work()
    assert job.look().crashes == 1
    assert job.result(0) == rows(MANY)
    scene.app.client.prune()
    assert (scene.kept, scene.drafts) == (1, 0)


@pytest.mark.crash
@pytest.mark.parametrize("task", ["returns thread", "writes process"])
def test_a_death_between_bytes_and_record_leaves_nothing_after_the_clean_up(task: str, scene: Scene) -> None:
    job = scene.enqueue(task, MANY)
    assert scene.work(QUEUEMGR_DIE_AT="run.after") == -9
    assert scene.kept == 1
    asyncio.run(_take_back(scene.app))
    assert job.look().state is State.READY
    scene.app.client.prune()
    assert scene.files() == ["lock", "store"]
    scene.work()
    assert job.result(0) == rows(MANY)
    assert scene.kept == 1


@pytest.mark.crash
def test_the_clean_up_leaves_alone_what_is_kept_and_not_recorded_yet(scene: Scene) -> None:
    scene.enqueue("returns thread", MANY)
    scene.work(QUEUEMGR_DIE_AT="run.after")
    # For the store it still runs: nobody has looked whether its worker lives.
    scene.app.client.prune()
    assert scene.kept == 1


def test_a_growing_result_is_read_by_another_process_while_it_is_written(scene: Scene) -> None:
    job = scene.enqueue("grows", MANY)
    read: list[Any] = []
    with scene.worker() as worker:
        for page in job.pages(5_000, follow=True):
            read += page
            part = len(read) * 10 // MANY - 1
            if part < 9:
                info = job.result_info()
                assert (info.complete, info.kind) == (False, "list")
                assert info.length is not None
                assert info.length >= len(read)
                assert job.page(-1, 1) != []
            if len(read) * 10 % MANY == 0:
                (scene.folder / f"read-{part}").touch()
        assert worker.wait(60) == 0
    assert read == rows(MANY)
    assert job.result(0) == read


def test_following_a_job_that_fails_ends_with_its_error(scene: Scene) -> None:
    job = scene.enqueue("fails after writing", MANY)
    read = 0
    with scene.worker() as worker:
        pages = job.pages(follow=True)
        while read < MANY:
            read += len(next(pages))
        (scene.folder / "read").touch()
        with pytest.raises(ResultError, match="no more"):
            next(pages)
        assert worker.wait(60) == 0
    assert read == MANY
    scene.app.client.prune()
    assert scene.files() == ["lock", "store"]


def test_a_job_that_has_no_result_yet_says_so(scene: Scene) -> None:
    job = scene.enqueue("returns thread", 1)
    with pytest.raises(ResultError, match="is ready and has no result yet"):
        job.page()


def test_a_disk_that_is_full_fails_the_job_and_leaves_nothing(scene: Scene) -> None:
    job = scene.enqueue("writes too much", 40_000, 200_000, attempts=1)
    scene.work()
    record = job.look()
    assert record.state is State.DEAD
    assert record.error is not None
    assert record.error["type"] == "queuemgr.errors.StoreUnavailable"
    assert "cannot be kept" in record.error["message"]
    assert "and nothing of it was (File too large): make room there" in record.error["message"]
    assert (scene.kept, scene.drafts) == (0, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system; the test above stands in")
def test_a_file_system_without_room_fails_the_job_and_leaves_it_empty(scene: Scene, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
    try:
        job = scene.enqueue("writes too much", 40_000, 1 << 40, attempts=1)
        scene.work(RESULTS=str(small))
        error = job.look().error
        assert error is not None
        assert "No space left on device" in error["message"]
        assert sum(path.stat().st_size for path in small.rglob("*") if path.name != "store") < 1000
        assert list(small.glob("drafts/*")) == []
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.fixture
def timed(tmp_path: Path) -> tuple[App, ManualClock]:
    clock = ManualClock()
    return App(f"sqlite:///{tmp_path}/jobs.db", clock=clock), clock


def test_a_result_goes_when_its_time_is_over_and_says_so(timed: tuple[App, ManualClock]) -> None:
    app, clock = timed

    @app.task
    async def many(number: int) -> list[Any]:
        return rows(number)

    async def main() -> None:
        await many.aenqueue(MANY)
        old = await many.aenqueue(MANY + 1)
        await drain(app)
        clock.advance(60)
        young = await many.aenqueue(MANY + 2)
        await drain(app)
        app.aio._results = Results(keep=60)
        await app.aio.prune()
        with pytest.raises(ResultError, match=r"is not in .* any more: .*`queuemgr jobs retry"):
            await old.result(1)
        assert len(await young.result(1)) == MANY + 2
        assert (await app.aio.get(old.id)).state is State.SUCCEEDED
        await app.aio.store.close()

    run(main)


def test_the_oldest_results_go_when_all_are_too_much(timed: tuple[App, ManualClock]) -> None:
    app, clock = timed

    @app.task
    async def many(number: int) -> list[Any]:
        return rows(number)

    async def main() -> None:
        jobs = []
        for number in range(4):
            jobs.append(await many.aenqueue(MANY + number))
            await drain(app)
            clock.advance(1)
        stored = [(await job.result_info()).stored for job in jobs]
        app.aio._results = Results(quota=stored[2] + stored[3])
        await app.aio.prune()
        for job in jobs[:2]:
            with pytest.raises(ResultError):
                await job.result_info()
        assert [len(await job.result(1)) for job in jobs[2:]] == [MANY + 2, MANY + 3]
        await app.aio.store.close()

    run(main)


def test_a_worker_cleans_up_by_itself(tmp_path: Path) -> None:
    app = App(f"sqlite:///{tmp_path}/jobs.db")
    place = FilePlace(tmp_path / "jobs.db-results")
    place.draft(Owner("nobody", 1)).write(b"left behind")

    async def main() -> None:
        async with working(app):
            await until(lambda: not list(tmp_path.glob("*/drafts/*")))

    run(main)


def test_a_folder_of_another_store_is_left_alone(tmp_path: Path) -> None:
    shared = Results(folder=str(tmp_path / "shared"))
    mine, others = (App(f"sqlite:///{tmp_path}/{name}.db", results=shared) for name in ("mine", "others"))

    @mine.task
    async def many() -> list[Any]:
        return rows(MANY)

    async def main() -> None:
        job = await many.aenqueue()
        await drain(mine)
        await mine.aio.prune()
        with pytest.raises(ConfigError, match="holds the results of another store"):
            await others.aio.prune()
        assert len(await job.result(1)) == MANY
        for app in (mine, others):
            await app.aio.store.close()

    run(main)


@pytest.mark.parametrize("executor", ["process", "pool"])
def test_a_run_that_left_its_result_open_leaves_nothing_in_its_process(executor: str, scene: Scene) -> None:
    count = scene.enqueue("counts what is open")
    scene.work(ONE_BY_ONE="yes")
    before = count.result(0)
    for _ in range(3):
        scene.enqueue(f"leaves open {executor}", MANY)
    count = scene.enqueue("counts what is open")
    scene.work(ONE_BY_ONE="yes")
    assert (count.result(0), scene.drafts) == (before, 0)


def test_a_result_and_a_value_are_one_too_many(tmp_path: Path) -> None:
    app = App(f"sqlite:///{tmp_path}/jobs.db")
    from queuemgr import current_job

    @app.task
    def both() -> int:
        with current_job().result_writer() as out:
            out.append(1)
        return 2

    @app.task
    def twice() -> None:
        current_job().result_writer()
        current_job().result_writer()

    @app.task
    def unclosed() -> object:
        out = current_job().result_writer()
        out.append(1)
        return out

    async def main() -> None:
        jobs = [await task.aenqueue() for task in (both, twice, unclosed)]
        await drain(app)
        errors = [(await job.look()).error for job in jobs[:2]]
        assert ["do one of the two" in errors[0]["message"], "one writer" in errors[1]["message"]] == [True, True]
        assert await jobs[2].result(1) == [1]
        await app.aio.store.close()

    run(main)


async def _take_back(app: App) -> None:
    """Have the store notice that the worker is dead."""
    from queuemgr.store import Claim

    async with asyncio.timeout(60):
        while (await app.aio.find(Query(states=(State.RUNNING,)))).jobs:
            await app.aio.store.claim(Claim(worker="looks", queues=(), limit=0, tasks=frozenset()))
            await asyncio.sleep(0.02)
    await app.aio.store.close()
