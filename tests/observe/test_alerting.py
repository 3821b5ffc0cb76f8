"""When an alert is pending, fires and is over. No store, no clock."""

from __future__ import annotations

from typing import Any

from queuemgr.service.observe.alerting import REMEMBERED, Phase, Silence, Standing, evaluate, silenced
from queuemgr.service.observe.rules import parse
from queuemgr.service.observe.sample import Gauges, Sample


def sample(**queued: float) -> Sample:
    return Sample(start=0, seconds=60, gauges={queue: Gauges(queued=number) for queue, number in queued.items()})


class Story:
    """One rule, judged again and again."""

    def __init__(self, *rules: str) -> None:
        self.rules = [parse(rule) for rule in rules]
        self.standings: dict[str, Standing] = {}

    def at(self, now: float, **queued: float) -> str:
        self.standings = evaluate(self.rules, sample(**queued), self.standings, now)
        return " ".join(str(one.state) for one in self.standings.values())

    @property
    def only(self) -> Standing:
        (one,) = self.standings.values()
        return one


def test_without_a_duration_it_fires_at_once_and_is_over_at_once() -> None:
    story = Story("queue_length > 10")
    assert [story.at(n, q=length) for n, length in enumerate([10, 11, 12, 10])] == ["ok", "firing", "firing", "ok"]


def test_with_a_duration_it_fires_once_it_has_held_for_so_long() -> None:
    story = Story("queue_length > 10 for 5m")
    assert [story.at(n, q=11) for n in (0, 299, 300, 301)] == ["pending", "pending", "firing", "firing"]
    assert (story.only.since, story.only.fired_at) == (300, 300)


def test_a_moment_without_trouble_begins_the_duration_anew() -> None:
    story = Story("queue_length > 10 for 5m")
    states = [story.at(n, q=length) for n, length in ((0, 11), (200, 5), (250, 11), (400, 11), (550, 11))]
    assert states == ["pending", "ok", "pending", "pending", "firing"]


def test_two_episodes_are_told_apart() -> None:
    story = Story("queue_length > 10")
    fired = []
    for now, length in ((0, 11), (10, 1), (20, 11)):
        story.at(now, q=length)
        fired.append((story.only.state, story.only.fired_at))
    assert fired == [(Phase.FIRING, 0), (Phase.OK, 0), (Phase.FIRING, 20)]


def test_what_is_over_is_remembered_for_an_hour() -> None:
    story = Story("queue_length > 10")
    story.at(0, q=11)
    story.at(10, q=1)
    story.at(10 + REMEMBERED, q=1)
    assert story.only.over
    story.at(20 + REMEMBERED, q=1)
    assert not story.only.over


def test_a_rule_about_one_queue_looks_at_no_other() -> None:
    story = Story("queue_length > 10 in mail")
    assert story.at(0, mail=1, other=100) == "ok"
    assert story.at(1, mail=11) == "firing"


def test_a_rule_about_every_queue_judges_each_by_itself() -> None:
    story = Story("queue_length > 10 in *")
    story.at(0, mail=11, other=1)
    states = {one.queue: str(one.state) for one in story.standings.values()}
    assert states == {"mail": "firing", "other": "ok"}
    story.at(1, other=1)
    assert story.standings["queue_length > 10 in * @ mail"].state is Phase.OK


def test_what_nobody_knows_fires_nothing() -> None:
    story = Story("failure_rate >= 0%")
    assert story.at(0, q=1) == "ok"
    assert story.only.value is None


def test_an_alert_whose_rule_is_taken_away_is_over() -> None:
    story = Story("queue_length > 10")
    story.at(0, q=11)
    story.rules = []
    assert story.at(1, q=11) == "ok"
    assert story.only.over
    assert story.at(2 + REMEMBERED, q=11) == ""


def test_a_silence_covers_its_rule_until_it_ends() -> None:
    story = Story("queue_length > 10")
    story.at(0, q=11)

    def silence(rule: str) -> list[Any]:
        return [Silence(rule=rule, until=100, who="ann", why="known")]

    assert silenced(story.only, silence("queue_length > 10"), 99) is not None
    assert silenced(story.only, silence("*"), 99) is not None
    assert silenced(story.only, silence("dead > 1"), 99) is None
    assert silenced(story.only, silence("*"), 100) is None
