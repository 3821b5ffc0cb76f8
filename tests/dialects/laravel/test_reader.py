"""What is read at once is read as it would be sign by sign; what looks plain and is not takes the long way."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from queuemgr.dialects.laravel import reader
from queuemgr.dialects.laravel.format import Laravel
from queuemgr.dialects.laravel.keys import Keys
from queuemgr.dialects.laravel.php import PhpObject, serialize, unserialize
from queuemgr.dialects.laravel.picking import Picking
from queuemgr.dialects.laravel.settling import Settling
from queuemgr.errors import UndecodableError
from queuemgr.outcome import SUCCEEDED
from queuemgr.store import Settlement

CAPTURES = Path(__file__).parent / "captures"
COMMANDS = [
    json.loads(one["payload"])["data"]["command"].encode()
    for path in sorted(CAPTURES.glob("*.json"))
    for one in json.loads(path.read_text())
    if "command" in (json.loads(one["payload"])["data"] or {})
]
NOTHING = re.compile(rb"(?!)")
TEXTS = st.sampled_from(["", "a", "job", "chained", 'a"b', '";N;', "\0*\0p", "é", "r:1;"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats() | TEXTS,
    lambda inner: (
        st.dictionaries(st.integers(-3, 9) | TEXTS, inner, max_size=6)
        | st.builds(PhpObject, st.just("App\\Thing"), st.dictionaries(TEXTS, inner, max_size=6))
    ),
    max_leaves=30,
)


def told(data: bytes, most: int) -> Any:
    """What is read, written in one form; None where it is refused."""
    try:
        return serialize(unserialize(data, most))
    except UndecodableError:
        return None


def both_ways(data: bytes, most: int) -> tuple[Any, Any]:
    with pytest.MonkeyPatch.context() as patch:
        quick = told(data, most)
        for name in ("_OBJECT", "_MEMBER", "_EMPTY"):
            patch.setattr(reader, name, NOTHING)
        return quick, told(data, most)


@given(st.sampled_from(COMMANDS) | VALUES.map(serialize), st.sampled_from([1, 5, 13, 14, 1000]))
@settings(max_examples=300, deadline=None)
@example(b'a:2:{s:3:"job";N;s:3:"job";N;}', 9)
@example(b'O:1:"A":4:{s:1:"a";a:0:{}s:1:"b";N;s:1:"c";R:2;s:1:"d";r:1;}', 9)
def test_what_is_read_at_once_is_what_is_read_sign_by_sign(data: bytes, most: int) -> None:
    quick, slow = both_ways(data, most)
    assert quick == slow


@given(
    st.sampled_from(COMMANDS), st.integers(0, 10_000), st.sampled_from([b"", b'"', b";", b"9", b"{", b"}", b"N", b":"])
)
@settings(max_examples=500, deadline=None)
def test_damaged_bytes_are_refused_or_read_the_same_on_both_ways(command: bytes, place: int, sign: bytes) -> None:
    place %= len(command)
    quick, slow = both_ways(command[:place] + sign + command[place + 1 :], 1000)
    assert quick == slow


@pytest.mark.parametrize("depth", [99, 100, 101])
def test_a_nest_is_as_deep_as_it_may_be_on_both_ways(depth: int) -> None:
    quick, slow = both_ways(b'a:1:{s:1:"a";' * depth + b"N;" + b"}" * depth, 1000)
    assert quick == slow
    assert (quick is None) == (depth > reader.MAX_DEPTH)


@pytest.mark.parametrize(
    ("command", "plain"),
    [
        ('O:1:"A":1:{s:7:"chained";a:0:{}}', True),
        ('O:1:"A":1:{s:7:"chained";N;}', True),
        ('O:1:"A":1:{s:7:"chained";a:1:{i:0;s:3:"job";}}', False),
        ('O:1:"A":2:{s:7:"chained";a:1:{i:0;s:1:"x";}s:4:"text";s:13:"chained";a:0:";}', False),
        ('O:1:"A":1:{s:8:"uniqueId";s:1:"x";}', False),
        ("ZW5jcnlwdGVk", False),
    ],
)
def test_only_a_job_whose_end_concerns_nobody_is_ended_without_another_look(command: str, plain: bool) -> None:
    fields = {"uuid": "u", "job": "Illuminate\\Queue\\CallQueuedHandler@call", "attempts": 0}
    data = {"commandName": "A", "command": command, "text": '"command":"O:'}
    raw = json.dumps(fields | {"data": data}, separators=(",", ":")).encode()
    picking = Picking(Laravel(), "default", frozenset({"*"}), 0.0, count_crashes=False, suspect=True, running=set())
    good = raw.replace(json.dumps(command).encode(), json.dumps('O:1:"A":0:{}').encode())
    picking.look_at([good], 1)
    ended = Settlement(picking.picked[0].lease, "worker", SUCCEEDED, 0.0)
    assert Settling(Laravel(), Keys(), count_crashes=False).is_plain(ended, raw) is plain
