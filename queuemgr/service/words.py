"""Numbers as people say them: durations, moments, sizes and counts. It prints nothing and reads no clock."""

from __future__ import annotations

from datetime import datetime

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
_SIZES = ("B", "kB", "MB", "GB", "TB")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


def duration(seconds: float) -> str:
    """At most two units: `250 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`."""
    if seconds < 0.9995:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    for (length, unit), (shorter, small) in zip(_UNITS, (*_UNITS[1:], (1.0, "s")), strict=True):
        if whole >= length:
            rest = int(whole % length // shorter)
            return f"{int(whole // length)} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def coarse(seconds: float) -> str:
    """One unit, for tables: `3 s`, `12 min`, `5 h`."""
    if seconds < 0.9995:
        return duration(seconds)
    for length, unit in _UNITS:
        if seconds >= length - 0.5:
            return f"{int((seconds + 0.5) // length)} {unit}"
    return f"{seconds:.0f} s"


def ago(moment: float, now: float) -> str:
    """`3 s ago`, `in 2 min`, or `now` within half a second."""
    passed = now - moment
    if abs(passed) < 0.5:
        return "now"
    return f"{coarse(passed)} ago" if passed > 0 else f"in {coarse(-passed)}"


def moment(at: float) -> str:
    """Local date and time with the offset: `2026-12-01 10:00:00 +01:00`."""
    try:
        text = datetime.fromtimestamp(at).astimezone().isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f} s after 1970"
    return f"{text[:19]} {text[19:]}"


def size(count: int) -> str:
    """`312 B`, `1.5 kB`, `20 MB`."""
    value, unit = float(count), _SIZES[0]
    for unit in _SIZES:
        if value < 999.5 or unit == _SIZES[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"


def counted(number: int, noun: str) -> str:
    """`1 job`, `1,200 jobs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def clipped(text: str, length: int) -> str:
    """The text, or its beginning and the number of characters that it has."""
    return text if len(text) <= length else f"{text[:length]}... ({len(text):,} characters)"


def harmless(text: str) -> str:
    """The text with its control characters spelled out, so that a job cannot command the reader's terminal."""
    return text.replace("\r\n", "\n").translate(_CONTROLS)
