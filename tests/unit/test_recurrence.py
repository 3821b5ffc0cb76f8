"""The arithmetic of recurring times, held against the calendar and against slower ways to count.

Moments are written as wall times with their UTC offset; no test here looks at the real clock.
"""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from queuemgr import recurrence
from queuemgr.errors import BadSchedule
from queuemgr.recurrence import Cron, Every, Missed, Rule, due_firings, next_after, parse_rule, preview

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
FURTHER = ["Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "America/Havana"]
TEN, NEVER, DAY, MINUTE = Every(10.0), Cron("0 0 30 2 *"), 86400.0, timedelta(minutes=1)


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def firings(expression: str, zone: str, start: str, count: int = 2) -> str:
    """The first firings after `start`, as wall times in `zone` with their UTC offset, without the year."""
    moments = preview(Cron(expression, zone), at(start), count)
    return ", ".join(f"{datetime.fromtimestamp(moment, ZoneInfo(zone)):%m-%d %H:%M%z}" for moment in moments)


def cases(names: str, text: str) -> pytest.MarkDecorator:
    """Run a test for each row of "given -> expected; given -> expected"."""
    rows = [tuple(side.strip() for side in case.split("->")) for case in text.split(";")]
    return pytest.mark.parametrize(names, rows)


@cases(
    "text, seconds",
    "every 10s -> 10; every 10 s -> 10; every 0.25s -> 0.25; every 2h30m -> 9000; every minute -> 60;"
    "every 2 hours 30 minutes -> 9000; every 1.5 hours -> 5400; EVERY  1D -> 86400; every 2w -> 1209600",
)
def test_an_interval_is_read_in_seconds(text: str, seconds: str) -> None:
    assert parse_rule(text) == Every(float(seconds))


@pytest.mark.parametrize("number", [-math.inf, math.inf, math.nan])
def test_an_interval_or_an_anchor_that_is_no_number_cannot_be_built(number: float) -> None:
    with pytest.raises(BadSchedule, match="out of range"):
        Every(number)
    with pytest.raises(BadSchedule, match="not a moment"):
        Every(1.0, number)


@cases(
    "alias, expression",
    "@hourly -> 0 * * * *; @daily -> 0 0 * * *; @midnight -> 0 0 * * *; @weekly -> 0 0 * * 0;"
    "@Monthly -> 0 0 1 * *; @yearly -> 0 0 1 1 *; @annually -> 0 0 1 1 *",
)
def test_an_alias_means_its_expression(alias: str, expression: str) -> None:
    assert parse_rule(f" {alias}\n", BERLIN) == parse_rule(expression.replace(" ", "  "), BERLIN)
    assert parse_rule(alias, BERLIN) == Cron(expression, BERLIN)
    assert preview(Cron(alias), 0.0) == preview(Cron(expression), 0.0)


@cases(
    "text, reason",
    "every -> its unit; every 5 -> its unit; every day -> its unit; every 5 months -> its unit;"
    "every 10ms -> its unit; every -5s -> its unit; every 1,5s -> its unit; every 5s x -> its unit;"
    "every 0s -> out of range; every 0.0001s -> out of range; every 5300w -> out of range;"
    "-> wrong number of fields; hello -> wrong number of fields; * * * * -> wrong number of fields;"
    "* * * * * * * -> wrong number of fields; 60 * * * * -> bad minute; */0 * * * * -> bad minute;"
    "30-10 * * * * -> bad minute; 5, * * * * -> bad minute; * 24 * * * -> bad hour;"
    "* * 32 * * -> bad day-of-month; * * * 13 * -> bad month; * * 30 13 * -> bad month;"
    "* * * * 8 -> bad day-of-week; 60 * * * * * -> bad second; @reboot -> the aliases are @yearly",
)
def test_a_text_that_is_no_rule_is_refused_with_the_reason_and_an_example(text: str, reason: str) -> None:
    with pytest.raises(BadSchedule, match=rf"{reason}.*(@hourly|from 0.001 s to 100 years)"):
        parse_rule(text)


@given(st.text(alphabet="0123456789*/,-#LWlw@ everysmhdonu.²٣ß\x00", max_size=24) | st.text(max_size=12))
@example(f"{'9' * 5000} * * * *")
@example(f"every {'9' * 400}s")
def test_any_text_is_either_a_working_rule_or_refused(text: str) -> None:
    try:
        rule = parse_rule(text)
    except BadSchedule:
        return
    assert recurrence.describe(rule)
    assert (next_after(rule, 0.0) or 1.0) > 0.0


@cases(
    "wrong, right",
    "Europe/Berln -> Europe/Berlin; Berlin -> Europe/Berlin; europe/berlin -> Europe/Berlin;"
    "America/New York -> America/New_York; Asia/Kolkatta -> Asia/Kolkata",
)
def test_an_unknown_zone_is_refused_with_the_nearest_right_one(wrong: str, right: str) -> None:
    with pytest.raises(BadSchedule, match=f"'{wrong}' is unknown: did you mean '{right}'"):
        parse_rule("@daily", wrong)


@pytest.mark.parametrize("zone", ["", "../etc/passwd", "/etc/localtime", "Europe", "a\x00b", "\ud800"])
def test_a_rule_with_a_name_that_is_no_zone_is_refused_when_read_and_when_used(zone: str) -> None:
    with pytest.raises(BadSchedule, match="is unknown"):
        parse_rule("@daily", zone)
    with pytest.raises(BadSchedule, match="is unknown"):
        next_after(Cron("@daily", zone), 0.0)


def test_without_a_near_zone_or_any_zone_data_the_advice_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSchedule, match='give an IANA name, for example "Europe/Berlin"'):
        parse_rule("@daily", "Qqqqqqqq")
    monkeypatch.setattr("zoneinfo.available_timezones", set)
    with pytest.raises(BadSchedule, match="install the package tzdata"):
        parse_rule("@daily", "Qqqqqqqq")


def test_importing_the_module_and_building_rules_loads_neither_cronsim_nor_zone_data() -> None:
    program = (
        "import sys; from queuemgr.recurrence import Cron, Every, next_after\n"
        "Cron('@daily', 'Europe/Berlin'); next_after(Every(5.0), 1.0)\n"
        "print(sorted({'cronsim', 'zoneinfo'} & set(sys.modules)))"
    )
    # Without site, whose hooks may load modules of their own.
    command, root = [sys.executable, "-S", "-c", program], Path(__file__).parents[2]
    assert subprocess.check_output(command, cwd=root, text=True).strip() == "[]"


@cases("moment, following", "300 -> 600; 299.999 -> 300; 300.001 -> 600; -0.5 -> 0; -300 -> 0")
def test_the_next_firing_lies_strictly_after_the_moment(moment: str, following: str) -> None:
    for rule in (Cron("*/5 * * * *"), Cron("0 */5 * * * *"), Every(300.0)):
        assert next_after(rule, float(moment)) == float(following)


@pytest.mark.parametrize("minute", ["0", "*/60"])
@pytest.mark.parametrize(("zone", "offset"), [("UTC", "+00:00"), (BERLIN, "+01:00")])
def test_a_leap_day_fires_in_leap_years_only(minute: str, zone: str, offset: str) -> None:
    found = preview(Cron(f"{minute} 6 29 2 *", zone), at("2091-01-01T00:00Z"), 3)
    assert found == [at(f"{year}-02-29T06:00{offset}") for year in (2092, 2096, 2104)]


@cases(
    "expression, expected",
    "0 23 L * * -> 01-31 23:00+0000, 02-29 23:00+0000, 03-31 23:00+0000;"
    "0 0 31 * * -> 01-31 00:00+0000, 03-31 00:00+0000, 05-31 00:00+0000;"
    "0 0 * * 5L -> 01-26 00:00+0000, 02-23 00:00+0000, 03-29 00:00+0000;"
    "0 0 * * MON#2 -> 02-12 00:00+0000, 03-11 00:00+0000, 04-08 00:00+0000",
)
def test_month_ends_and_counted_weekdays_follow_the_calendar(expression: str, expected: str) -> None:
    assert firings(expression, "UTC", "2024-01-15T00:00Z", 3) == expected


@pytest.mark.parametrize("text", ["0 0 30 2 *", "*/5 * 31 4,6 *", "0 0 0 30 2 *", "0 0 */31 * MON#5"])
@pytest.mark.parametrize("zone", ["UTC", BERLIN])
def test_a_date_that_never_comes_is_accepted_and_never_fires(text: str, zone: str) -> None:
    assert next_after(parse_rule(text, zone), at("2025-01-01T00:00Z")) is None
    assert preview(Cron(text, zone), at("2025-01-01T00:00Z")) == []


@cases(
    "cron, zone, day, expected",
    "30 2 * * * -> Europe/Berlin -> 2025-03-29 -> 03-30 03:00+0200, 03-31 02:30+0200;"
    "15,45 2 * * * -> Europe/Berlin -> 2025-03-29 -> 03-30 03:00+0200, 03-31 02:15+0200;"
    "30 2,3 * * * -> Europe/Berlin -> 2025-03-29 -> 03-30 03:00+0200, 03-30 03:30+0200;"
    "0 2,3 * * * -> Europe/Berlin -> 2025-03-29 -> 03-30 03:00+0200, 03-31 02:00+0200;"
    "*/9 30 2 * * * -> Europe/Berlin -> 2025-03-29 -> 03-30 03:00+0200, 03-31 02:30+0200;"
    "30 2 * * * -> America/New_York -> 2025-03-08 -> 03-09 03:00-0400, 03-10 02:30-0400;"
    "15 2 * * * -> Australia/Lord_Howe -> 2025-10-04 -> 10-05 02:30+1100, 10-06 02:15+1100;"
    "0 0 * * * -> Africa/Cairo -> 2024-04-25 -> 04-26 01:00+0300, 04-27 00:00+0300;"
    "0 9 * * * -> Pacific/Apia -> 2011-12-30 -> 12-31 00:00+1400, 12-31 09:00+1400;"
    "30 2 * * * -> Europe/Berlin -> 2025-10-25 -> 10-26 02:30+0200, 10-27 02:30+0100;"
    "0 30 2 * * * -> Europe/Berlin -> 2025-10-25 -> 10-26 02:30+0200, 10-27 02:30+0100;"
    "30 1 * * * -> America/New_York -> 2025-11-01 -> 11-02 01:30-0400, 11-03 01:30-0500;"
    "45 1 * * * -> Australia/Lord_Howe -> 2025-04-05 -> 04-06 01:45+1100, 04-07 01:45+1030;"
    "30 9 * * * -> Asia/Kolkata -> 2025-01-01 -> 01-02 09:30+0530, 01-03 09:30+0530",
)
def test_a_skipped_or_repeated_time_fires_once(cron: str, zone: str, day: str, expected: str) -> None:
    assert firings(cron, zone, f"{day}T09:30Z") == expected


@cases(
    "moment, following",
    "2025-03-30T00:59:59 -> 2025-03-30T01:00; 2025-03-30T00:59:59.500 -> 2025-03-30T01:00;"
    "2025-03-30T00:30 -> 2025-03-30T01:00; 2025-03-30T01:00 -> 2025-03-31T00:30;"
    "2025-10-26T00:30 -> 2025-10-27T01:30; 2025-10-26T00:50 -> 2025-10-27T01:30;"
    "2025-10-26T01:00 -> 2025-10-27T01:30; 2025-10-26T01:29:59 -> 2025-10-27T01:30",
)
def test_a_firing_at_a_change_is_the_same_from_every_moment_around_it(moment: str, following: str) -> None:
    assert next_after(Cron("30 2 * * *", BERLIN), at(f"{moment}Z")) == at(f"{following}Z")


@cases(
    "zone, change",
    "Europe/Berlin -> 2025-03-30T01:00Z; Europe/Berlin -> 2025-10-26T01:00Z;"
    "America/New_York -> 2025-03-09T07:00Z; America/New_York -> 2025-11-02T06:00Z;"
    "Australia/Lord_Howe -> 2025-10-04T15:30Z; Australia/Lord_Howe -> 2025-04-05T15:00Z",
)
def test_a_quarter_hour_rule_keeps_its_beat_through_every_change(zone: str, change: str) -> None:
    start = at(change) - 7200
    expected = [start + 900 * count for count in range(1, 25)]
    assert preview(Cron("*/15 * * * *", zone), start, 24) == expected


@cases(
    "cron, zone, start, expected",
    "5 * * * * -> Europe/Berlin -> 2025-10-26T00:00Z -> 10-26 02:05+0200, 10-26 02:05+0100;"
    "*/30 2 26 10 * -> Europe/Berlin -> 2025-01-01T00:00Z -> 10-26 02:00+0200, 10-26 02:30+0200;"
    "0 */2 * * * -> Europe/Berlin -> 2025-03-29T23:00Z -> 03-30 04:00+0200, 03-30 06:00+0200;"
    "*/30 2 * * * -> Europe/Berlin -> 2025-03-29T23:00Z -> 03-31 02:00+0200, 03-31 02:30+0200;"
    "0 * * * * -> Asia/Kolkata -> 2025-01-01T00:00Z -> 01-01 06:00+0530, 01-01 07:00+0530;"
    "0 * * * * -> Australia/Lord_Howe -> 2025-10-04T14:00Z -> 10-05 01:00+1030, 10-05 03:00+1100;"
    "*/30 3 * * * -> Australia/Lord_Howe -> 2025-10-04T15:00Z -> 10-05 03:00+1100, 10-05 03:30+1100;"
    "*/30 3 * * * -> Australia/Lord_Howe -> 2025-04-05T14:10Z -> 04-06 03:00+1030, 04-06 03:30+1030",
)
def test_a_star_fires_whenever_the_wall_clock_matches(cron: str, zone: str, start: str, expected: str) -> None:
    assert firings(cron, zone, start) == expected


def test_interval_firings_stand_at_the_anchor_plus_whole_intervals_without_drift() -> None:
    assert preview(Every(10.0, anchor=3.0), 0.0, 3) == [3.0, 13.0, 23.0]
    assert preview(Every(10.0, anchor=103.0), 0.0, 2) == [3.0, 13.0]
    assert preview(TEN, 1234.5, 2) == [1240.0, 1250.0]
    assert preview(TEN, 0.0, 0) == []
    start = at("2025-01-01T00:00Z")
    assert preview(Every(0.1, anchor=start), start, 10_000)[-1] == start + 1000.0
    # Here the count of intervals, 5315217483 less a hair, is rounded up.
    assert next_after(Every(1 / 3), math.nextafter(1771739161.0, 0)) == 1771739161.0


def test_a_clock_that_jumps_back_starts_nothing_until_the_stored_firing_is_due_again() -> None:
    for now in (500.0, 999.0, 1000.0, 1009.9):
        assert due_firings(TEN, 1010.0, now, Missed.ALL) == ([], 1010.0)
    assert due_firings(TEN, 1010.0, 1010.0, Missed.ALL) == ([1010.0], 1020.0)
    assert next_after(TEN, 994.0) == 1000.0


@pytest.mark.parametrize("missed", Missed)
def test_a_firing_seen_in_time_runs_alike_under_every_policy(missed: Missed) -> None:
    assert due_firings(TEN, 100.0, 100.0, missed) == ([100.0], 110.0)
    assert due_firings(NEVER, 100.0, 120.0, missed) == ([100.0], None)


def test_skip_drops_what_is_older_than_the_grace_and_keeps_what_is_exactly_as_old() -> None:
    assert due_firings(TEN, 100.0, 205.0, Missed.SKIP, grace=20.0) == ([190.0, 200.0], 210.0)
    assert due_firings(TEN, 100.0, 200.0, Missed.SKIP, grace=10.0) == ([190.0, 200.0], 210.0)
    assert due_firings(TEN, 180.0, 200.0, Missed.SKIP, grace=20.0) == ([180.0, 190.0, 200.0], 210.0)
    assert due_firings(Cron("@daily"), DAY, 3 * DAY + 61, Missed.SKIP) == ([], 4 * DAY)
    assert due_firings(NEVER, 100.0, 1000.0, Missed.SKIP) == ([], None)


def test_once_finds_the_latest_in_few_steps_however_many_were_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = iter(range(300))
    monkeypatch.setattr(recurrence, "next_after", lambda *given: [next(steps), next_after(*given)][1])
    assert due_firings(Cron("@daily"), DAY, 3 * DAY + 9999, Missed.ONCE) == ([3 * DAY], 4 * DAY)
    year_of_seconds, january = Cron("* * * * * *", BERLIN), Cron("* * * 1 *")
    assert due_firings(year_of_seconds, 0.0, 365 * DAY, Missed.ONCE) == ([365 * DAY], 365 * DAY + 1)
    assert due_firings(january, 0.0, 200 * DAY, Missed.ONCE) == ([31 * DAY - 60], 365 * DAY)


@pytest.mark.parametrize("missed", [Missed.ALL, Missed.SKIP])
def test_a_limit_leaves_the_rest_for_the_next_call(missed: Missed) -> None:
    assert due_firings(TEN, 100.0, 135.0, missed) == ([100.0, 110.0, 120.0, 130.0], 140.0)
    assert due_firings(TEN, 100.0, 135.0, missed, limit=3) == ([100.0, 110.0, 120.0], 130.0)
    assert due_firings(TEN, 130.0, 135.0, missed, limit=3) == ([130.0], 140.0)


@cases(
    "text, words",
    "every 10s -> every 10 s; every 0.5s -> every 0.5 s; every 90.1s -> every 90.1 s;"
    "every 60s -> every minute; every 300s -> every 5 minutes; every 90s -> every 1 min 30 s;"
    "every 60m -> every hour; every 9000s -> every 2 h 30 min; every 1d -> every 24 hours;"
    "every 48h -> every 2 days; @hourly -> every hour; * * * * * -> every minute;"
    "*/5 * * * * -> every 5 minutes; */7 * * * * -> */7 * * * * (Asia/Tokyo);"
    "0 */6 * * * -> every 6 hours (Asia/Tokyo); 0 */5 * * * -> 0 */5 * * * (Asia/Tokyo);"
    "0 3 * * * -> every day at 03:00 (Asia/Tokyo); 5 09 * * mon -> every Monday at 09:05 (Asia/Tokyo);"
    "0 9 * * 7 -> every Sunday at 09:00 (Asia/Tokyo);"
    "0 9 * * 1-5 -> Monday to Friday at 09:00 (Asia/Tokyo);"
    "0 0 1 * * -> on day 1 of every month at 00:00 (Asia/Tokyo); 0 0 31 * * -> 0 0 31 * * (Asia/Tokyo);"
    "30 23 L * * -> on the last day of every month at 23:30 (Asia/Tokyo);"
    "0 9 1 * 1 -> 0 9 1 * 1 (Asia/Tokyo); 0 9,17 * * 1-5 -> 0 9,17 * * 1-5 (Asia/Tokyo);"
    "0 3 * 1 * -> 0 3 * 1 * (Asia/Tokyo); */10 * * * * * -> */10 * * * * * (Asia/Tokyo)",
)
def test_a_rule_is_described_in_words_or_as_written(text: str, words: str) -> None:
    assert recurrence.describe(parse_rule(text, "Asia/Tokyo")) == words


@given(st.integers(1, 10_000_000) | st.floats(0.001, 1e7))
def test_the_words_for_an_interval_read_back_as_the_same_interval(seconds: float) -> None:
    assert parse_rule(recurrence.describe(Every(seconds))) == Every(seconds)


CHANGES = [at(f"2025-{text}Z") for text in ("03-30T01:00", "10-26T01:00", "04-05T15:00", "10-04T15:30")]
near_changes = st.builds(float.__add__, st.sampled_from(CHANGES), st.floats(-100_000, 100_000))
moments = st.floats(at("2020-01-01T00:00Z"), at("2035-01-01T00:00Z")) | near_changes
zones = st.sampled_from(["UTC", BERLIN, NEW_YORK, *FURTHER])
minutes = st.sampled_from(["*", "*/7", "*/15", "0", "30", "10,45", "5-8"])
hours = st.sampled_from(["*", "*/2", "*/5", "0", "2", "1-3", "1,2", "23"])
days = st.sampled_from(["* * *", "* * 0", "L * *", "1,15 * *", "29 2 *"])
crons = st.builds(lambda *parts: Cron(" ".join(parts[:3]), parts[3]), minutes, hours, days, zones)
rules: st.SearchStrategy[Rule] = crons | st.builds(Every, st.floats(0.01, 1e5), st.none() | moments)
calls = st.lists(st.tuples(st.floats(-5_000, 50_000), st.sampled_from(Missed)), max_size=8)
calm = settings(deadline=None)  # other work on the machine is no failure


def first_after(rule: Rule, moment: float) -> float:
    following = next_after(rule, moment)
    assert following is not None
    return following


def chain(rule: Rule, first: float, until: float) -> list[float]:
    """`first` and every firing after it up to `until`, at most 300."""
    found = [first]
    while len(found) < 300 and (following := first_after(rule, found[-1])) <= until:
        found.append(following)
    return found


def values(part: str, whole: int) -> set[int]:
    if part.startswith("*"):
        return set(range(0, whole, int(part[2:] or 1)))
    ends = [[int(end) for end in term.split("-")] for term in part.split(",")]
    return {value for span in ends for value in range(span[0], span[-1] + 1)}


def walk(minute: str, hour: str, zone: str, start: float, until: float) -> list[float]:
    """Every firing of a daily rule that a look at the wall clock in every minute finds."""
    right = {(h, m) for h in values(hour, 24) for m in values(minute, 60)}
    found, seen, last = [], set[datetime](), None
    for now in range(int(start) // 60 * 60, int(until), 60):
        wall = datetime.fromtimestamp(now, ZoneInfo(zone)).replace(tzinfo=None, fold=0)
        shown = {wall}
        if "*" not in minute + hour:
            shown = {wall - MINUTE * step for step in range(max(1, (wall - (last or wall)) // MINUTE))} - seen
            seen |= shown
        last = wall
        if any((one.hour, one.minute) in right for one in shown):
            found.append(float(now))
    return found


@settings(calm, max_examples=60)
@given(minutes, hours, zones, moments)
def test_cron_fires_when_a_clock_watcher_would(minute: str, hour: str, zone: str, moment: float) -> None:
    # The walk starts a day early, to know what a repeated hour has already shown.
    found = walk(minute, hour, zone, moment - DAY, moment + 2 * DAY)
    expected = [firing for firing in found if firing > moment]
    rule = Cron(f"{minute} {hour} * * *", zone)
    assert chain(rule, first_after(rule, moment), expected[-1]) == expected[:300]


@calm
@given(rules, moments, st.floats(0, 1))
def test_firings_move_forward_and_asking_later_loses_none(rule: Rule, moment: float, part: float) -> None:
    following, *later = preview(rule, moment, 20)
    assert all(before < after for before, after in pairwise([moment, following, *later]))
    between = min(moment + (following - moment) * part, math.nextafter(following, 0))
    assert next_after(rule, between) == following


@calm
@given(rules, moments, st.floats(0, 200_000), st.floats(0, 100_000))
def test_each_policy_picks_among_all_firings(rule: Rule, moment: float, span: float, grace: float) -> None:
    due = first_after(rule, moment)
    everything = chain(rule, due, due + span)
    now = due + span if len(everything) < 300 else everything[-1]
    following = first_after(rule, everything[-1])
    recent = [firing for firing in everything if firing >= now - grace]
    assert due_firings(rule, due, now, Missed.ALL) == (everything, following)
    assert due_firings(rule, due, now, Missed.ONCE) == (everything[-1:], following)
    assert due_firings(rule, due, now, Missed.SKIP, grace=grace) == (recent, following)


@calm
@given(rules, moments, calls, st.integers(1, 30), st.booleans())
def test_no_firing_is_returned_twice_and_all_loses_none(
    rule: Rule, moment: float, calls: list[tuple[float, Missed]], limit: int, mixed: bool
) -> None:
    first = due = first_after(rule, moment)
    now, returned = moment, list[float]()
    for step, missed in calls:
        now += step
        ran, following = due_firings(rule, due, now, missed if mixed else Missed.ALL, limit=limit)
        assert following is not None
        assert all(firing <= now for firing in ran)
        returned, due = [*returned, *ran], following
    assert all(before < after for before, after in pairwise([*returned, due]))
    assert mixed or [*returned, due] == chain(rule, first, due)
