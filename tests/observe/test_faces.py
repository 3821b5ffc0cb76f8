"""Measures and alerts as people and programs ask for them: the terminal, the table of operations, a running service."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from queuemgr import App
from queuemgr.service.cli.main import main
from queuemgr.service.cli.views.observation import sparkline
from queuemgr.service.observe.config import Notify
from queuemgr.service.observe.sampler import observing
from queuemgr.service.operations import table
from tests.host.rig import Service
from tests.observe.rig import Stage, receiver, staged
from tests.servers.process import until


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The option that names a store which holds two jobs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    app = App(f"sqlite:///{tmp_path}/jobs.db")

    @app.task(queue="mail")
    async def task() -> None:
        pass

    async def prepare() -> None:
        await task.aenqueue()
        await app.worker(burst=True).run()
        await task.aenqueue()
        await task.aenqueue()
        async with observing(app.aio) as sampler:
            await sampler.tick()
        await app.aio.store.close()

    asyncio.run(prepare())
    yield f"--store={app.url}"
    app.close()


def answer(*words: str) -> Any:
    result = call(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_metrics_are_shown_for_all_and_for_each_queue_and_task(store: str) -> None:
    told = answer("metrics", store)
    assert told["metrics"]["queue_length"] == told["queues"]["mail"]["queue_length"] == 2
    (task,) = told["tasks"]
    assert (task["queue"], task["succeeded"], task["failed"]) == ("mail", 1, 0)
    shown = call("metrics", store).output
    assert "QUEUE LENGTH" in shown
    assert "mail" in shown
    assert "worker utilization" in shown


def test_the_history_is_shown_as_a_line_for_each_metric(store: str) -> None:
    told = answer("history", "queue_length", store, "--span", "5m", "--points", "5")
    assert [value for value in told["series"]["queue_length"] if value is not None] == [2]
    shown = call("history", "queue_length", store, "--span", "5m").output
    assert "█" in shown
    assert "queue_length" in shown


def test_where_nobody_measures_that_is_said(store: str) -> None:
    shown = call("history", "dead", store, "--span", "1h", "--queue", "nobody")
    assert shown.exit_code == 0
    wrong = call("history", "dad", store)
    assert wrong.exit_code != 0
    assert "did you mean 'dead'" in wrong.stderr


def test_rules_are_added_silenced_and_removed_by_their_words(store: str) -> None:
    rule = "queue_length > 1 in mail for 5m"
    assert "no alert rules" in call("alerts", "list", store).output
    assert "fires where queue_length > 1 in queue mail for 5 min" in call("alerts", "add", rule, store).output
    assert answer("alerts", "silence", rule, store, "--for", "2h", "--why", "moving")["rule"] == rule
    told = answer("alerts", "list", store)
    assert [(one["rule"], one["for"], one["queue"]) for one in told["rules"]] == [(rule, 300, "mail")]
    assert told["silences"][0]["why"] == "moving"
    assert "@" in told["silences"][0]["who"]
    assert "was not judged yet" in call("alerts", "list", store).output
    assert answer("alerts", "remove", rule, store) == {"removed": rule}
    assert answer("alerts", "list", store)["rules"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "failure_rate > 5"), "write 5% or 0.05"),
        (("remove", "dead > 1"), "there is no alert rule 'dead > 1'"),
        (("silence", "dead > 1"), "there is no alert rule 'dead > 1'"),
    ],
)
def test_a_wrong_request_about_alerts_is_refused_with_a_sentence(store: str, words: tuple[str, ...], told: str) -> None:
    result = call("alerts", *words, store)
    assert result.exit_code != 0
    assert told in result.stderr


def test_a_rule_of_the_configuration_is_not_changed_from_outside(tmp_path: Path) -> None:
    from queuemgr.service.failures import NotAllowed

    async def scene(stage: Stage) -> None:
        await stage.sampler({"dead > 1": "low"}).tick()
        for name, arguments in (("alerts.remove", {"rule": "dead > 1"}), ("alerts.add", {"rule": "dead > 1"})):
            with pytest.raises(NotAllowed, match="comes from the configuration"):
                await table.call(name, arguments, stage.client)

    staged(tmp_path, scene)


def test_a_removed_rule_stands_no_longer_and_fires_no_longer_whenever_the_others_are_judged(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.enqueue(3)
        for rule in ("dead > 1", "queue_length > 2"):
            await table.call("alerts.add", {"rule": rule}, stage.client)
        await stage.sampler({}).tick()
        for rule in ("dead > 1", "queue_length > 2"):
            await table.call("alerts.remove", {"rule": rule}, stage.client)
        told = await table.call("alerts.list", {}, stage.client)
        assert told["rules"] == []
        assert told["firing"] == 0
        assert [(one["rule"], one["state"]) for one in told["alerts"]] == [("queue_length > 2", "ok")]

    staged(tmp_path, scene)


def test_what_fires_stands_first_and_says_its_value(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.enqueue(3)
        await stage.sampler({"dead > 1": "low", "queue_length > 2": "page"}).tick()
        told = await table.call("alerts.list", {}, stage.client)
        assert [(one["rule"], one["state"], one["shown"]) for one in told["alerts"]] == [
            ("queue_length > 2", "firing", "3"),
            ("dead > 1", "ok", "0"),
        ]

    staged(tmp_path, scene)


@pytest.mark.parametrize(
    ("values", "line"),
    [([0.0, None, 7.0], "▁ █"), ([0.0, 0.0], "▁▁"), ([None], " "), ([1.0] * 80, "█" * 60)],
)
def test_a_series_is_drawn_as_high_as_its_values(values: list[float | None], line: str) -> None:
    assert sparkline(values) == line


def test_a_service_measures_and_alerts_by_itself(tmp_path: Path) -> None:
    with receiver() as hook:
        service = Service(tmp_path)
        try:
            service.begin(alerts={"queue_length >= 0": "low"}, notify=(Notify(webhook=hook.url),))
            until(lambda: bool(hook.got))
            told = service.ask("alerts.list")
            assert told["firing"] == 1
            until(lambda: bool(service.ask("alerts.list")["deliveries"]))
            dead = service.ask("history", metrics=["dead"], span=300, points=5)["series"]["dead"]
            # A minute that has just begun has no number yet.
            assert {number for number in dead if number is not None} == {0}
        finally:
            service.close()
    assert hook.events == ["firing"]


def test_observing_outlives_a_store_that_fails_for_a_moment(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from queuemgr.errors import StoreUnavailable
    from queuemgr.service.observe.sampler import Sampler

    class Flaky:
        def __init__(self, store: Any) -> None:
            self._store = store
            self.asked = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        async def queues(self) -> Any:
            self.asked += 1
            if self.asked == 1:
                raise StoreUnavailable("it is away")
            return await self._store.queues()

    async def scene(stage: Stage) -> None:
        flaky = Flaky(stage.store)
        stage.client.store = flaky  # type: ignore[misc,assignment]
        measured = asyncio.Event()

        async def sleep(_seconds: float) -> None:
            if flaky.asked > 1:
                measured.set()
                await asyncio.Event().wait()

        running = asyncio.create_task(Sampler(stage.client, sleep=sleep).run())
        await measured.wait()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert "nothing could be measured: it is away" in caplog.text

    staged(tmp_path, scene)
