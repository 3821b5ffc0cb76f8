"""A payload as it stands in Redis: its exact bytes, and what they say.

A change replaces or adds single values of the outermost object and leaves every other byte where it is, so that fields
that we do not know, the order of all fields, long numbers and empty arrays come back as they were. It decides nothing.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from queuemgr.errors import UndecodableError

from .marker import FIELD, NONE, Marker, read_marker

COMMAND = "Illuminate\\Queue\\CallQueuedHandler@call"
MOST_ATTEMPTS = 1 << 31
MOST = 1e11

Spans = dict[str, tuple[int, int, int]]

_SPACE = re.compile(rb"[ \t\r\n]*")
_NAME = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


class Data(msgspec.Struct):
    """The data of a command. `command` is what PHP serialised, or that encrypted."""

    commandName: str  # noqa: N815 - Laravel's word
    command: str
    batchId: str | None = None  # noqa: N815 - Laravel's word


@dataclass(frozen=True)
class Payload:
    """A readable payload. `fields` are the exact bytes of each value of its outermost object.

    Without `counts_itself` its attempts stand beside it, in a column of the table of jobs.
    """

    raw: bytes
    fields: dict[str, bytes]
    job: str
    attempts: int
    marker: Marker
    spans: Spans
    counts_itself: bool = True

    @property
    def is_command(self) -> bool:
        return self.job == COMMAND

    @cached_property
    def id(self) -> str:
        """Its uuid, which names it in failed_jobs and in Horizon; else its id, else a hash of what it asks for."""
        for name in ("uuid", "id"):
            if isinstance(value := self.value(name), str) and value:
                return value
        return hashlib.sha1(self.fields["job"] + self.fields["data"], usedforsecurity=False).hexdigest()

    @cached_property
    def data(self) -> Data:
        """Of a command. Raises UndecodableError."""
        data: Data = _convert(self.fields["data"], Data, "data")
        return data

    @property
    def names(self) -> tuple[str, ...]:
        """What a task for it may be called, the most exact first."""
        if self.is_command:
            return (self.data.commandName,)
        return tuple(dict.fromkeys((self.job, self.job.partition("@")[0])))

    def value(self, name: str) -> Any:
        """A field as a plain value; None where it is missing or unreadable."""
        raw = self.fields.get(name, b"null")
        try:
            return None if raw == b"null" else msgspec.json.decode(raw)
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
        if anytime and "retryUntil" in self.spans:
            edits.append((*self.spans["retryUntil"][1:], b"null"))
        if attempts is not None and self.counts_itself:
            edits.append((*self.spans["attempts"][1:], b"%d" % attempts))
        if marker is not None:
            edits += self._mark(marker)
        changed = self.raw
        for start, end, value in sorted(edits, reverse=True):
            changed = changed[:start] + value + changed[end:]
        return changed

    def _mark(self, new: Marker) -> list[tuple[int, int, bytes]]:
        if (span := self.spans.get(FIELD)) is None:
            end = self.raw.rindex(b"}")
            return [(end, end, b',"%s":%s' % (FIELD.encode(), new.encode()))] if new != NONE else []
        name, start, end = span
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
        raw.decode()
        fields = {name: bytes(value) for name, value in msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(f"the payload is no JSON object: {error}") from error
    if missing := {"job", "data", *(("attempts",) if counted is None else ())} - fields.keys():
        raise UndecodableError(f"the payload has no {' and no '.join(sorted(missing))}")
    job = _convert(fields["job"], str, "job")
    attempts = _convert(fields["attempts"], int, "attempts") if counted is None else counted
    if not job or not 0 <= attempts < MOST_ATTEMPTS:
        raise UndecodableError(f"the payload names the job {job!r} and {attempts} attempts, which cannot be")
    marker, spans = read_marker(fields.get(FIELD)), _spans(raw, fields)
    payload = Payload(raw, fields, job, attempts, marker, spans, counted is None)
    if payload.is_command:
        payload.data  # noqa: B018 - read now, because a command without it is no job
    return payload


def has_count(raw: bytes) -> bool:
    """Whether a payload counts its attempts itself. Raises UndecodableError."""
    try:
        return "attempts" in msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(f"the payload is no JSON object: {error}") from error


def _convert(raw: bytes, kind: Any, name: str) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UndecodableError(f"the payload's {name} cannot be read: {error}") from error


def _spans(raw: bytes, fields: dict[str, bytes]) -> Spans:
    """Where each name begins, and where its value begins and ends. Raises UndecodableError where a name comes twice."""
    return _dense_spans(raw, fields) or _loose_spans(raw, fields)


def _dense_spans(raw: bytes, fields: dict[str, bytes]) -> Spans | None:
    """The same of a payload without spaces and odd names, as everybody writes it; None for another one."""
    spans: Spans = {}
    at = 1
    for name, value in fields.items():
        start = at + len(name) + 3
        end = start + len(value)
        if raw[at:start] != b'"%s":' % name.encode() or raw[start:end] != value:
            return None
        spans[name] = (at, start, end)
        at = end + 1
    return spans if raw[:1] == b"{" and raw[at - 1 :] == b"}" else None


def _loose_spans(raw: bytes, fields: dict[str, bytes]) -> Spans:
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
