"""What the contract says of records: they are read as they were meant, and nothing of them is lost or run."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec
import pytest

from queuemgr.errors import UndecodableError
from queuemgr.job import Job, new_id

from .setting import Capture, DialectCases

if TYPE_CHECKING:
    from queuemgr.dialect import Dialect

NOW = 1_800_000_000.0
ARGUMENTS: tuple[dict[str, object], ...] = (
    {},
    {"text": 'Grüße 🎈 "quoted" \\ / \x00 \n'},
    {"numbers": [0, -1, 2**53 + 1, 2**63 - 1, 0.1, -1.5e-300]},
    {"empty": [], "nothing": {}, "none": None, "yes": True},
    {"nested": {"a": [{"b": {"1": [2, {"c": ""}]}}]}},
    {"tagged": {"$": "bytes", "v": "/wD+"}, "text": {"$": "bytes", "v": "aGk="}},
)


class FormatCases(DialectCases):
    def test_every_capture_says_what_was_sent(self, dialect: Dialect[bytes], captures: list[Capture]) -> None:
        assert captures
        for capture in captures:
            reading, contents = dialect.read(capture.record, NOW), dialect.open(capture.record)
            said = (reading.names[0], reading.failures, contents.args)
            assert said == (capture.task, capture.failures, capture.args), capture.name

    def test_every_capture_comes_back_byte_for_byte(self, dialect: Dialect[bytes], captures: list[Capture]) -> None:
        for capture in captures:
            failed = dialect.restate(capture.record, capture.failures + 3)
            assert dialect.read(failed, NOW).failures == capture.failures + 3
            assert dialect.open(failed) == dialect.open(capture.record)
            assert dialect.restate(failed, capture.failures) == capture.record, capture.name

    def test_unknown_fields_come_back_byte_for_byte(self, dialect: Dialect[bytes], captures: list[Capture]) -> None:
        for capture in captures:
            strange = self.with_a_strange_field(capture.record)
            failed = dialect.restate(strange, capture.failures + 1)
            assert dialect.restate(failed, capture.failures) == strange
            assert dialect.open(strange) == dialect.open(capture.record)

    @pytest.mark.parametrize("arguments", ARGUMENTS, ids=range(len(ARGUMENTS)))
    def test_what_is_written_is_read_as_it_was_sent(
        self, dialect: Dialect[bytes], arguments: dict[str, object]
    ) -> None:
        args = msgspec.json.encode([[], arguments] if arguments else [[]])
        options = {"attempts": 5, "timeout": 2.5, "retry_on": [], "backoff": {"base": 0.5}}
        job = Job(id=new_id(), task=self.task, args=args, options=options)
        record = dialect.write(job, NOW)
        reading, contents = dialect.read(record, NOW), dialect.open(record)
        assert (reading.id, reading.names[0], reading.failures) == (job.id, self.task, 0)
        assert (contents.obstacle, reading.options) == (None, options)
        assert msgspec.json.decode(contents.args) in ([[], arguments], [[]] if not arguments else None)

    def test_a_broken_record_is_refused_and_does_nothing_else(
        self, dialect: Dialect[bytes], captures: list[Capture]
    ) -> None:
        chance = random.Random(7)
        refused = 0
        for capture in captures:
            for broken in _broken(capture.record, chance):
                try:
                    dialect.read(broken, NOW)
                    dialect.open(broken)
                except UndecodableError:
                    refused += 1
        assert refused > len(captures)

    def with_a_strange_field(self, record: bytes) -> bytes:
        """The record with a field that nobody knows, and what is easily lost in it."""
        end = record.rindex(b"}")
        strange = b', "x-strange" : {"empty":[],"none":{},"long":12345678901234567890123,"f":1.10,"u":"\\u00e9\\/"} '
        return record[:end] + strange + record[end:]


def _broken(record: bytes, chance: random.Random) -> list[bytes]:
    """The record cut short, and with single bytes changed."""
    cut = [record[: chance.randrange(len(record))] for _ in range(60)]
    changed = []
    for _ in range(200):
        at = chance.randrange(len(record))
        changed.append(record[:at] + bytes([chance.randrange(256)]) + record[at + 1 :])
    return [b"", b"{}", b"[]", b"null", b"\xff\x00", *cut, *changed]
