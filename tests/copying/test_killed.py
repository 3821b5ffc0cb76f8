"""A copy that is killed at any moment goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from queuemgr.store import Query, Snapshot, Store
from tests.copying.conftest import PAGE, Pair, copied
from tests.copying.filling import beside, everything, fill

PROGRAM = Path(__file__).with_name("program.py")
MOMENTS = [
    *(("restore", number, when) for number in (1, 2, 4) for when in ("before", "after")),
    ("key_put_if_absent", 4, "before"),
    ("key_put_if_absent", 4, "after"),
    ("key_remove_if", 1, "after"),
    ("key_remove_if", 3, "after"),
    ("pause", 1, "after"),
    ("put_schedule", 1, "before"),
    ("put_schedule", 2, "after"),
    ("find", 2, "before"),
]


def kill_at(pair: Pair, moment: tuple[str, int, str]) -> None:
    verb, number, when = moment
    words = [sys.executable, str(PROGRAM), pair.source, pair.target, verb, str(number), when]
    root = PROGRAM.parents[2]
    done = subprocess.run(words, cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


async def filled(source: Store, target: Store) -> None:
    await fill(source, 12)
    await source.pause("mail")


async def check_equal(source: Store, target: Store) -> None:
    before = {one.job.id: one for one in await everything(source)}
    assert {one.job.id: one for one in await everything(target)} == before
    assert await beside(target) == await beside(source)


async def count(source: Store, target: Store) -> tuple[int, int]:
    return await source.count(Query()), await target.count(Query())


@pytest.mark.crash
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: "-".join(map(str, moment)))
def test_a_copy_that_was_killed_is_finished_by_the_next(files: Pair, moment: tuple[str, int, str]) -> None:
    files.run(filled)
    kill_at(files, moment)
    told = files.copy()
    assert told["equal"]
    files.run(check_equal)


@pytest.mark.crash
def test_a_copy_between_any_stores_that_was_killed_is_finished_by_the_next(pair: Pair) -> None:
    pair.run(filled)
    kill_at(pair, ("restore", 3, "after"))
    assert pair.copy()["equal"]
    pair.run(check_equal)


@pytest.mark.crash
def test_a_copy_that_is_killed_again_and_again_still_comes_to_its_end(files: Pair) -> None:
    files.run(filled)
    there = 0
    for _ in range(3):
        kill_at(files, ("restore", 3, "before"))
        all_jobs, now_there = files.run(count)
        assert there < now_there < all_jobs
        there = now_there
    assert files.copy()["equal"]
    files.run(check_equal)


@pytest.mark.crash
def test_the_next_copy_passes_over_what_is_there_already(files: Pair) -> None:
    files.run(filled)
    kill_at(files, ("restore", 4, "before"))
    all_jobs, there = files.run(count)
    assert there == 3 * PAGE

    async def go_on(source: Store, target: Store) -> None:
        restore, handed_over = target.restore, 0

        async def counting(page: Sequence[Snapshot]) -> int:
            nonlocal handed_over
            handed_over += len(page)
            return await restore(page)

        target.restore = counting  # type: ignore[method-assign, assignment]
        told = await copied(source, target)
        assert (told["resumed"], told["copied"], handed_over) == (True, all_jobs - there, all_jobs - there)

    files.run(go_on)


@pytest.mark.crash
def test_a_mark_that_promises_too_much_is_not_believed(files: Pair) -> None:
    files.run(filled)
    kill_at(files, ("restore", 4, "before"))

    async def empty(source: Store, target: Store) -> None:
        await target.change("delete", Query())
        assert await target.count(Query()) == 0

    files.run(empty)
    told = files.copy()
    assert (told["resumed"], told["equal"]) == (True, True)
    files.run(check_equal)
