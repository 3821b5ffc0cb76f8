"""The text that Prometheus reads, read by its own parser."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from queuemgr.service.observe.measuring import MOST_TOTALS
from queuemgr.service.observe.prometheus import prometheus_text
from queuemgr.tally import OTHER
from tests.observe.rig import Stage, staged

Values = dict[tuple[str, tuple[str, ...]], float]


async def scrape(stage: Stage) -> Values:
    """Every value by its name and the values of its labels, in the order of the labels' names."""
    text = (await prometheus_text(stage.client)).decode()
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_queues_runs_and_workers_are_told(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.enqueue(3, "mail")
        await stage.store.pause("mail")
        await stage.tell("mail", "send", done=9, failed=1, retried=1, run=5.0, wait=4.0, waits=2, busy=10.0, memory=7)
        values = await scrape(stage)
        assert values["queuemgr_jobs", ("mail", "queued")] == 3
        assert values["queuemgr_queue_paused", ("mail",)] == 1
        assert values["queuemgr_runs_total", ("succeeded", "mail", "send")] == 9
        assert values["queuemgr_runs_total", ("failed", "mail", "send")] == 1
        assert values["queuemgr_retries_total", ("mail", "send")] == 1
        assert values["queuemgr_run_seconds_sum", ("mail", "send")] == 5
        assert values["queuemgr_run_seconds_count", ("mail", "send")] == 10
        assert values["queuemgr_wait_seconds_count", ("mail", "send")] == 2
        assert values["queuemgr_worker_busy_ratio", ()] == 0.25
        assert values["queuemgr_worker_memory_bytes", ()] == 7

    staged(tmp_path, scene)


def test_counters_grow_with_every_telling_and_never_shrink(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        sampler, seen = stage.sampler(), []
        for _ in range(40):
            await stage.tell(done=1)
            seen.append((await scrape(stage))["queuemgr_runs_total", ("succeeded", "default", "t")])
            stage.clock.advance(10)
            await sampler.tick()
        assert seen == list(range(1, 41))

    staged(tmp_path, scene)


def test_counters_go_on_where_another_manager_takes_over(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.minute(stage.sampler(), 3, done=5)
        await stage.minute(stage.sampler(), 3, done=5)
        assert (await scrape(stage))["queuemgr_runs_total", ("succeeded", "default", "t")] == 30

    staged(tmp_path, scene)


def test_so_many_tasks_are_told_apart_and_no_more(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        sampler = stage.sampler()
        for number in range(MOST_TOTALS + 50):
            await stage.tell(task=f"t{number}", done=1)
        await stage.minute(sampler)
        await stage.tell(task="later", done=1)
        values = await scrape(stage)
        tasks = {labels[2] for name, labels in values if name == "queuemgr_runs_total"}
        assert (len(tasks), OTHER in tasks, "later" in tasks) == (MOST_TOTALS + 1, True, False)
        assert values["queuemgr_runs_total", ("succeeded", OTHER, OTHER)] == 51

    staged(tmp_path, scene)


def test_names_follow_the_conventions_and_every_family_says_what_it_is(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.tell(done=1)
        families = [*text_string_to_metric_families((await prometheus_text(stage.client)).decode())]
        assert len(families) > 10
        for family in families:
            assert re.fullmatch(r"queuemgr_[a-z_]+", family.name)
            assert family.documentation.endswith(".")
            assert not (family.type == "gauge" and family.name.endswith("_total"))

    staged(tmp_path, scene)


def test_alerts_that_fire_are_counted_by_their_severity(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.enqueue(3)
        await stage.sampler({"queue_length > 2": "page", "dead > 5": "low"}).tick()
        values = await scrape(stage)
        assert values["queuemgr_alerts_firing", ("page",)] == 1
        assert values["queuemgr_alerts_firing", ("low",)] == 0

    staged(tmp_path, scene)


def test_a_label_with_odd_characters_breaks_no_line(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        odd = 'a"b\\c\nd'
        await stage.enqueue(1, odd)
        assert (await scrape(stage))["queuemgr_jobs", (odd, "queued")] == 1

    staged(tmp_path, scene)
