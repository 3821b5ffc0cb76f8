"""Durations, moments and sizes as people say and type them, and lines made of pieces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuemgr.service import words
from queuemgr.service.cli.values import moment_of, seconds_of
from queuemgr.service.lines import whole_lines
from queuemgr.store import OutputLine


@pytest.mark.parametrize(
    ("seconds", "long", "short"),
    [
        (0.0, "0 ms", "0 ms"),
        (0.25, "250 ms", "250 ms"),
        (0.9999, "1 s", "1 s"),
        (1.25, "1.2 s", "1 s"),
        (9.96, "10 s", "10 s"),
        (59.4, "59 s", "59 s"),
        (59.9, "1 min", "1 min"),
        (200.0, "3 min 20 s", "3 min"),
        (3600.0, "1 h", "1 h"),
        (3599.9, "1 h", "1 h"),
        (7500.0, "2 h 5 min", "2 h"),
        (187200.0, "2 d 4 h", "2 d"),
        (-5.0, "0 ms", "0 ms"),
    ],
)
def test_durations_have_at_most_two_units(seconds: float, long: str, short: str) -> None:
    assert words.duration(seconds) == long
    assert words.coarse(seconds) == short


@given(st.floats(0, 1e9))
def test_every_duration_can_be_said(seconds: float) -> None:
    assert words.duration(seconds).split(" ")[0].replace(".", "").isdigit()
    assert "60 s" not in words.duration(seconds)
    assert "60 min" not in words.coarse(seconds)


@pytest.mark.parametrize(("at", "told"), [(100.0, "now"), (97.0, "3 s ago"), (160.0, "in 1 min"), (99.7, "now")])
def test_moments_are_told_from_now(at: float, told: str) -> None:
    assert words.ago(at, 100.0) == told


def test_a_moment_beyond_the_calendar_is_told_all_the_same() -> None:
    assert words.moment(1e18) == "1000000000000000000 s after 1970"


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1536, "1.5 kB"), (20_000_000, "20 MB"), (999_999, "1.0 MB")],
)
def test_sizes_are_short(count: int, told: str) -> None:
    assert words.size(count) == told


def test_control_characters_are_spelled_out() -> None:
    assert words.harmless("a\x1b[31mb\r\nc\td\x9b") == "a\\x1b[31mb\nc\td\\x9b"


def test_long_texts_are_cut_and_their_length_is_told() -> None:
    assert words.clipped("x" * 1500, 3) == "xxx... (1,500 characters)"
    assert words.clipped("xxx", 3) == "xxx"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5", 1.5), (".5", 0.5), ("10m", 600), ("2h30m", 9000), ("1 day", 86400), ("x", None), ("-1", None)],
)
def test_durations_are_read(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def test_moments_are_read() -> None:
    assert moment_of("2026-12-01T10:00+01:00") == 1796115600.0
    assert moment_of("2026-12-01T10:00") == datetime(2026, 12, 1, 10).astimezone().timestamp()
    assert moment_of("1796115600.5") == 1796115600.5
    today = moment_of("9:05")
    assert today is not None
    assert datetime.fromtimestamp(today).astimezone().strftime("%F %R") == time.strftime("%F 09:05")


@pytest.mark.parametrize("text", ["tomorrow", "25:00", "2026-13-01", "1e99", "999999999999999", ""])
def test_what_is_no_moment_is_refused(text: str) -> None:
    assert moment_of(text) is None


def lines_of(*pieces: tuple[int, str, str]) -> list[tuple[int, str, str]]:
    async def told() -> AsyncIterator[OutputLine]:
        for position, (attempt, stream, text) in enumerate(pieces, 1):
            yield OutputLine(position, attempt, 0.0, stream, text)

    async def gather() -> list[tuple[int, str, str]]:
        return [(line.position, line.stream, line.text) async for line in whole_lines(told())]

    return asyncio.run(gather())


def test_pieces_become_lines_for_each_stream() -> None:
    assert lines_of((1, "stdout", "a"), (1, "stderr", "x\n"), (1, "stdout", "b\nc"), (1, "stdout", "\n\n")) == [
        (2, "stderr", "x"),
        (3, "stdout", "ab"),
        (4, "stdout", "c"),
        (4, "stdout", ""),
    ]


def test_a_log_record_is_whole_and_the_rest_comes_last() -> None:
    assert lines_of((1, "stdout", "half"), (1, "log", "record"), (2, "stdout", "next\r\n")) == [
        (2, "log", "record"),
        (3, "stdout", "next"),
        (1, "stdout", "half"),
    ]


@given(st.lists(st.text("ab\n", max_size=5), max_size=10))
def test_no_character_is_lost(texts: list[str]) -> None:
    lines = lines_of(*((1, "stdout", text) for text in texts))
    assert "\n".join(text for _, _, text in lines) == "".join(texts).removesuffix("\n")
