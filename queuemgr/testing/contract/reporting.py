"""What the contract says of progress and output of running jobs."""

from __future__ import annotations

from queuemgr.store import Report

from .stage import GIVEN_BACK, Cases, Stage, staged


class ReportCases(Cases):
    @staged
    async def test_progress_and_note_are_shown(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        await stage.store.report([Report(lease, progress=25.5, note="Zeile 数 🎈")])
        record = await stage.store.get(job_id)
        assert (record.progress, record.note) == (25.5, "Zeile 数 🎈")

    @staged
    async def test_a_report_that_says_nothing_of_progress_or_note_leaves_them(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        await stage.store.report([Report(lease, progress=25, note="first")])
        await stage.store.report([Report(lease, output=[(stage.now(), "stdout", "text")])])
        await stage.store.report([Report(lease, progress=50)])
        record = await stage.store.get(job_id)
        assert (record.progress, record.note) == (50, "first")

    @staged
    async def test_output_is_kept_in_its_order_with_moment_stream_and_attempt(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        said = [(stage.now() + n, ("stdout", "stderr", "log")[n % 3], f"line {n} 数\n") for n in range(9)]
        await stage.store.report([Report(lease, output=said[:4])])
        await stage.store.report([Report(lease, output=said[4:])])
        lines = await stage.store.output(job_id)
        assert [(line.at, line.stream, line.text) for line in lines] == said
        assert {line.attempt for line in lines} == {1}
        positions = [line.position for line in lines]
        assert positions == sorted(set(positions))

    @staged
    async def test_output_is_read_on_from_a_position(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        await stage.store.report([Report(lease, output=[(0.0, "stdout", str(n)) for n in range(10)])])
        first = await stage.store.output(job_id, limit=4)
        rest = await stage.store.output(job_id, after=first[-1].position)
        assert [line.text for line in [*first, *rest]] == list("0123456789")
        assert await stage.store.output(job_id, after=rest[-1].position) == []

    @staged
    async def test_the_output_of_jobs_that_speak_at_once_is_kept_apart(self, stage: Stage) -> None:
        await stage.enqueue_many(2)
        leases = await stage.claim()
        for n in range(3):
            await stage.store.report([Report(lease, output=[(0.0, "stdout", f"{lease.id} {n}")]) for lease in leases])
        for lease in leases:
            texts = [line.text for line in await stage.store.output(lease.id)]
            assert texts == [f"{lease.id} {n}" for n in range(3)]

    @staged
    async def test_the_output_of_every_attempt_is_kept(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        for attempt in (1, 2):
            lease = await stage.lease()
            await stage.store.report([Report(lease, output=[(0.0, "stdout", f"run {attempt}")])])
            await stage.settle(lease, GIVEN_BACK)
        assert [(line.attempt, line.text) for line in await stage.store.output(job_id)] == [(1, "run 1"), (2, "run 2")]

    @staged
    async def test_a_new_attempt_begins_without_progress(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        await stage.store.report([Report(lease, progress=75, note="nearly")])
        await stage.settle(lease, GIVEN_BACK)
        await stage.lease()
        record = await stage.store.get(job_id)
        assert (record.progress, record.note) == (None, None)

    @staged
    async def test_a_token_that_is_not_the_newest_reports_nothing(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        stale = await stage.run(GIVEN_BACK)
        fresh = await stage.lease()
        await stage.store.report([
            Report(stale, progress=99, note="stale", output=[(0.0, "stdout", "stale")]),
            Report(fresh, progress=1, output=[(0.0, "stdout", "fresh")]),
        ])  # fmt: skip
        record = await stage.store.get(job_id)
        assert (record.progress, record.note) == (1, None)
        assert [line.text for line in await stage.store.output(job_id)] == ["fresh"]

    @staged
    async def test_a_run_that_was_settled_reports_nothing_any_more(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.run()
        await stage.store.report([Report(lease, progress=10, output=[(0.0, "stdout", "late")])])
        assert (await stage.store.get(job_id)).progress == 100
        assert await stage.store.output(job_id) == []

    @staged
    async def test_a_report_for_a_job_that_was_deleted_is_passed_over(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.run()
        await stage.change("delete", job_id)
        await stage.store.report([Report(lease, progress=10, output=[(0.0, "stdout", "late")])])
        successor = await stage.enqueue()
        assert await stage.store.output(successor) == []

    @staged
    async def test_what_a_job_says_need_not_be_valid_unicode(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        await stage.store.report([Report(lease, note="a\udc80b", output=[(0.0, "stdout", "\ud800 and \0")])])
        (line,) = await stage.store.output(job_id)
        assert " and \0" in line.text
        assert await stage.settle(lease)
