"""A payload as it stands in Redis: its exact bytes, and what they say.

A change replaces or adds single values of the outermost object and leaves every other byte where it is, so that fields
that we do not know, the order of all fields, long numbers and empty arrays come back as they were. It decides nothing.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from queuemgr.errors import UndecodableError

from .marker import FIELD, NONE, Marker, read_marker

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = "Illuminate\\Queue\\CallQueuedHandler@call"
MOST_ATTEMPTS = 1 << 31
MOST = 1e11

Spans = dict[str, tuple[int, int, int]]
T = TypeVar("T")

_NEEDED_BESIDE = frozenset(("job", "data"))
_NEEDED = _NEEDED_BESIDE | {"attempts"}
_SPACE = re.compile(rb"[ \t\r\n]*")
_NAME = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


class Data(msgspec.Struct):
    """The data of a command. `command` is what PHP serialised, or that encrypted."""

    commandName: str  # noqa: N815 - Laravel's word
    command: str
    batchId: str | None = None  # noqa: N815 - Laravel's word


_read = msgspec.json.Decoder().decode
_read_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_text = msgspec.json.Decoder(str).decode
_read_number = msgspec.json.Decoder(int).decode
_read_data = msgspec.json.Decoder(Data).decode


class Payload(msgspec.Struct, frozen=True):
    """A readable payload. `fields` are the exact bytes of each value of its outermost object.

    `id` is its uuid, which names it in failed_jobs and in Horizon; else its id, else a hash of what it asks for.
    `command` is what it carries, where it is one. Without `counts_itself` its attempts stand beside it, in a column of
    the table of jobs.
    """

    raw: bytes
    fields: dict[str, bytes]
    id: str
    job: str
    command: Data | None
    attempts: int
    marker: Marker
    counts_itself: bool = True

    @property
    def is_command(self) -> bool:
        return self.command is not None

    @property
    def data(self) -> Data:
        assert self.command is not None
        return self.command

    @property
    def names(self) -> tuple[str, ...]:
        """What a task for it may be called, the most exact first."""
        if self.command is not None:
            return (self.command.commandName,)
        return tuple(dict.fromkeys((self.job, self.job.partition("@")[0])))

    def value(self, name: str) -> Any:
        """A field as a plain value; None where it is missing or unreadable."""
        raw = self.fields.get(name, b"null")
        try:
            return None if raw == b"null" else _read(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    def whole(self, name: str) -> int | None:
        """A field that is a whole number; None for anything else, and for what no clock and no count can be."""
        value = self.value(name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return int(value) if is_number and abs(value) < MOST else None

    def own_options(self) -> dict[str, Any]:
        """What one of our producers asked for."""
        try:
            return msgspec.json.decode(self.marker.options or "{}", type=dict[str, Any])
        except msgspec.MsgspecError:
            return {}

    def changed(self, *, attempts: int | None = None, marker: Marker | None = None, anytime: bool = False) -> bytes:
        """The same payload with these values, everything else byte for byte. An empty marker is taken out.

        `anytime` takes the moment away until which it may be tried.
        """
        edits: list[tuple[int, int, bytes]] = []
        if anytime and "retryUntil" in self.fields:
            edits.append((*self._span("retryUntil")[1:], b"null"))
        if attempts is not None and self.counts_itself and self.fields["attempts"] != (told := b"%d" % attempts):
            edits.append((*self._span("attempts")[1:], told))
        if marker is not None:
            edits += self._mark(marker)
        changed = self.raw
        for start, end, value in sorted(edits, reverse=True):
            changed = changed[:start] + value + changed[end:]
        return changed

    def _span(self, name: str) -> tuple[int, int, int]:
        """Where the field's name begins, and where its value begins and ends."""
        return _spans(self.raw, self.fields)[name]

    def _mark(self, new: Marker) -> list[tuple[int, int, bytes]]:
        if FIELD not in self.fields:
            end = self.raw.rindex(b"}")
            return [(end, end, b',"%s":%s' % (FIELD.encode(), new.encode()))] if new != NONE else []
        name, start, end = self._span(FIELD)
        if new != NONE:
            return [(start, end, new.encode())]
        # Whoever wrote it again may have put it first, where no comma stands before it.
        before = self.raw[:name].rstrip()
        if before.endswith(b","):
            return [(len(before) - 1, end, b"")]
        return [(name, self.raw.index(b",", end) + 1, b"")]


def parse(raw: bytes, counted: int | None = None) -> Payload:
    """Raises UndecodableError for what Laravel's own worker could not run either.

    `counted` are the attempts of a payload that does not count them itself.
    """
    try:
        if not raw.isascii():
            raw.decode()
        fields = {name: bytes(value) for name, value in _read_fields(raw).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(f"the payload is no JSON object: {error}") from error
    if missing := (_NEEDED if counted is None else _NEEDED_BESIDE) - fields.keys():
        raise UndecodableError(f"the payload has no {' and no '.join(sorted(missing))}")
    job = _convert(fields["job"], _read_text, "job")
    attempts = _convert(fields["attempts"], _read_number, "attempts") if counted is None else counted
    if not job or not 0 <= attempts < MOST_ATTEMPTS:
        raise UndecodableError(f"the payload names the job {job!r} and {attempts} attempts, which cannot be")
    if not _is_dense(raw, fields):
        _loose_spans(raw, fields)
    command = _convert(fields["data"], _read_data, "data") if job == COMMAND else None
    return Payload(raw, fields, _id(fields), job, command, attempts, read_marker(fields.get(FIELD)), counted is None)


def _id(fields: dict[str, bytes]) -> str:
    for name in ("uuid", "id"):
        with suppress(msgspec.MsgspecError, KeyError):
            if value := _read_text(fields[name]):
                return value
    return hashlib.sha1(fields["job"] + fields["data"], usedforsecurity=False).hexdigest()


def has_count(raw: bytes) -> bool:
    """Whether a payload counts its attempts itself. Raises UndecodableError."""
    try:
        return "attempts" in _read_fields(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(f"the payload is no JSON object: {error}") from error


def _convert(raw: bytes, read: Callable[[bytes], T], name: str) -> T:
    try:
        return read(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UndecodableError(f"the payload's {name} cannot be read: {error}") from error


def _is_dense(raw: bytes, fields: dict[str, bytes]) -> bool:
    """Whether there are neither spaces, odd names, nor names that come twice: nobody writes them.

    Each of them makes the whole longer than its names, its values and the signs between them.
    """
    return sum(map(len, fields)) + sum(map(len, fields.values())) + 4 * len(fields) + 1 == len(raw)


def _spans(raw: bytes, fields: dict[str, bytes]) -> Spans:
    """Where each name begins, and where its value begins and ends."""
    if not _is_dense(raw, fields):
        return _loose_spans(raw, fields)
    spans: Spans = {}
    at = 1
    for name, value in fields.items():
        start = at + len(name) + 3
        spans[name] = (at, start, start + len(value))
        at = start + len(value) + 1
    return spans


def _loose_spans(raw: bytes, fields: dict[str, bytes]) -> Spans:
    """The same of any payload. Raises UndecodableError where a name comes twice."""
    spans: Spans = {}
    at = _after_space(raw, _after_space(raw, 0) + 1)
    while raw[at : at + 1] != b"}":
        found = _NAME.match(raw, at)
        name = msgspec.json.decode(found[0], type=str) if found else ""
        start = _after_space(raw, _after_space(raw, found.end()) + 1) if found else at
        end = start + len(fields.get(name, b""))
        if name in spans or not found or raw[start:end] != fields[name]:
            raise UndecodableError(f"the payload has two fields {name!r}")
        spans[name] = (at, start, end)
        at = _after_space(raw, end)
        if raw[at : at + 1] == b",":
            at = _after_space(raw, at + 1)
    return spans


def _after_space(raw: bytes, at: int) -> int:
    found = _SPACE.match(raw, at)
    assert found is not None
    return found.end()
