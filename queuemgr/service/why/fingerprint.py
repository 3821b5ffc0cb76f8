"""Tells failures that are alike: by the exception's type, the place in the program's own code, and the message without
what changes from job to job. It reads errors as they were recorded and runs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 500

_FRAME = re.compile(r'^  File "([^"]+)", line (\d+), in (\S+)', re.MULTILINE)
_FOREIGN = re.compile(r"site-packages|dist-packages|/lib/python3|<frozen|/queuemgr/(?!examples|demo)")
_CHANGING = re.compile(
    r"(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
    r"|(?P<quoted>'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`)"
    r"|(?P<address>\b0x[0-9a-fA-F]+\b|\b(?=[a-z]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b)"
    r"|(?P<mail>\b[\w.+-]+@[\w-]+\.[\w.]+\b)"
    r"|(?P<number>(?<![A-Za-z_\d])[-+]?\d(?:[\d.,:_-]*\d)?)"
)
_SIGNS = {"uuid": "<id>", "quoted": "'…'", "address": "<id>", "mail": "<mail>", "number": "<n>"}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`place` is the last step in code of one's own, `file:function`; empty where the error names none."""

    type: str
    place: str
    message: str

    @property
    def id(self) -> str:
        return blake2b("\0".join((self.type, self.place, self.message)).encode(), digest_size=6).hexdigest()


def fingerprint_of(error: Mapping[str, Any] | None) -> Fingerprint:
    said = error or {}
    kind = str(said.get("type") or "")
    message = str(said.get("message") or said.get("reason") or "")
    return Fingerprint(kind, place_of(str(said.get("traceback") or "")), normal(message[:LONGEST]))


def place_of(traceback: str) -> str:
    """Without the line, which changes with every edit."""
    frames = _FRAME.findall(traceback)
    own = [frame for frame in frames if not _FOREIGN.search(frame[0])] or frames
    if not own:
        return ""
    file, _, function = own[-1]
    return f"{'/'.join(file.split('/')[-2:])}:{function}"


@lru_cache(maxsize=2048)
def normal(message: str) -> str:
    """`user 17 has no 'mail'` becomes `user <n> has no '…'`."""
    return _CHANGING.sub(lambda found: _SIGNS[str(found.lastgroup)], message.strip())


def fixed_part(message: str) -> str:
    """The longest piece of a normal message that stands in every one of its kind, as a search for text finds it."""
    pieces = re.split(r"<id>|<n>|<mail>|'…'|[\"\\\n\t]|[^\x20-\x7e]", message)
    return max((piece.strip() for piece in pieces), key=len, default="")
