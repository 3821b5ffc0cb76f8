"""What a user's script takes out of the registry is gone, however soon it does so; what it never saw is not."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from queuemgr.store import Query
from tests.journal.rig import using

if TYPE_CHECKING:
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
