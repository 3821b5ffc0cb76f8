"""What a user's script takes out of the registry is gone, however soon it does so; what it never saw is not."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from queuemgr.store import Query
from tests.journal.rig import using

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.journal.rig import Bench

LONG = 3600.0


def rewrite(bench: Bench, *left: str, text: str | None = None) -> None:
    """As a script does that keeps the lines of some ids."""
    lines = (bench.path.read_text() if text is None else text).splitlines(keepends=True)
    bench.path.write_text("".join(line for line in lines if json.loads(line)["job_id"] in left))


def test_a_line_removed_right_after_its_jobs_end_stays_removed(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("gone")
        await bench.finish("left")
        rewrite(bench, "left")
        await bench.align()
        assert await bench.known() == {"left"}
        assert "gone" not in bench.latest()

    using(tmp_path, body, young=LONG)


def test_a_job_that_ended_while_a_script_was_at_work_is_kept(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("left")
        read = bench.path.read_text()
        await bench.finish("unseen")
        rewrite(bench, "left", text=read)
        await bench.align()
        assert await bench.known() == {"left", "unseen"}
        assert set(bench.latest()) == {"left", "unseen"}

    using(tmp_path, body, young=LONG)


def replace(bench: Bench, *left: str) -> None:
    """As a script does that writes another file and gives it the name."""
    lines = bench.path.read_text().splitlines(keepends=True)
    new = bench.path.with_name("new")
    new.write_text("".join(line for line in lines if json.loads(line)["job_id"] in left))
    new.rename(bench.path)


@pytest.mark.parametrize("remove", [rewrite, replace])
def test_the_last_line_of_the_file_is_removed_by_who_read_it(tmp_path: Path, remove: Callable[..., None]) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("left")
        bench.ahead += 2 * LONG
        await bench.finish("gone")
        remove(bench, "left")
        await bench.align()
        assert await bench.known() == {"left"}
        assert set(bench.latest()) == {"left"}

    using(tmp_path, body, young=LONG)


@pytest.mark.parametrize("remove", [rewrite, replace])
def test_every_line_of_the_file_may_be_removed_at_once(tmp_path: Path, remove: Callable[..., None]) -> None:
    async def body(bench: Bench) -> None:
        bench.ahead += 2 * LONG
        await bench.finish("one", "two")
        remove(bench)
        await bench.align()
        assert await bench.known() == set()

    using(tmp_path, body, young=LONG)


def test_who_read_the_file_before_the_last_line_was_written_does_not_remove_it(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("left")
        bench.ahead += 2 * LONG
        read = bench.path.read_text()
        await bench.finish("unseen")
        rewrite(bench, "left", text=read)
        bench.path.read_text()
        await bench.align()
        assert await bench.known() == {"left", "unseen"}
        assert set(bench.latest()) == {"left", "unseen"}

    using(tmp_path, body, young=LONG)


def test_a_last_line_that_may_have_been_read_by_another_one_is_kept(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("left")
        bench.ahead += 2 * LONG
        read = bench.path.read_text()
        await bench.finish("unseen")
        bench.path.read_text()
        rewrite(bench, "left", text=read)
        bench.ahead += 2 * LONG  # it is noticed late
        await bench.align()
        assert await bench.known() == {"left", "unseen"}

    using(tmp_path, body, young=LONG)


def test_a_reader_of_long_ago_is_not_who_rewrites_the_file(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("left")
        bench.path.read_text()
        await bench.finish("gone")
        bench.ahead += 2 * LONG
        bench.alignment._glance()
        rewrite(bench, "left")
        await bench.align()
        assert await bench.known() == {"left"}

    using(tmp_path, body, young=LONG)


def test_what_the_service_reads_itself_counts_for_nothing(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("left")
        bench.ahead += 2 * LONG
        read = bench.path.read_text()
        bench.alignment._glance()
        bench.ahead += 2 * LONG
        await bench.finish("unseen")
        bench.alignment._glance()
        rewrite(bench, "left", text=read)
        await bench.align()
        assert await bench.known() == {"left", "unseen"}

    using(tmp_path, body, young=LONG)


def test_it_is_known_who_reads_a_file_that_was_replaced_and_shortened(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("left", "other")
        replace(bench, "left", "other")
        await bench.align()
        await bench.alignment._shorten()
        bench.ahead += 2 * LONG
        await bench.finish("gone")
        rewrite(bench, "left", "other")
        await bench.align()
        assert await bench.known() == {"left", "other"}

    using(tmp_path, body, young=LONG)


def test_a_line_that_follows_the_rewriting_says_nothing_of_what_was_seen(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.finish("left")
        read = bench.path.read_text()
        await bench.finish("unseen")
        rewrite(bench, "left", text=read)
        await bench.finish("later")
        await bench.align()
        assert await bench.known() == {"left", "unseen", "later"}

    using(tmp_path, body, young=LONG)


def test_what_others_change_in_the_store_is_written_down_within_seconds(tmp_path: Path) -> None:
    async def body(bench: Bench) -> None:
        await bench.add("held", held=True)
        await bench.align()
        following = asyncio.create_task(bench.alignment.run())
        try:
            await bench.add("theirs", on=bench.plain)
            await bench.plain.change("cancel", Query(ids=("held",)))
            async with asyncio.timeout(10):
                while set(bench.latest().items()) != {("held", 4), ("theirs", 0)}:
                    await asyncio.sleep(0.02)
        finally:
            following.cancel()

    using(tmp_path, body)
