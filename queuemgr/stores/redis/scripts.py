"""The scripts that run inside the server: every step of a job's life is one of them. It sends none of them itself.

They stand in `lua/`. A script's first line names the parts that it is put together from. A part is text, not a module:
the server keeps no state between scripts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from pathlib import Path

from queuemgr.store import KEEP, KEEP_DEAD

MOST_PROMOTED = 500
KEEP_GIVEN_UP = 86_400
"""Seconds for which it is known that a connection was given up: no network holds a question for longer."""

_FOLDER = Path(__file__).with_name("lua")
_CONSTANTS = f"""\
local KEEP, KEEP_DEAD = {KEEP}, {KEEP_DEAD}
local MOST_PROMOTED, KEEP_GIVEN_UP = {MOST_PROMOTED}, {KEEP_GIVEN_UP}
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A script, the name under which the server keeps it, and whether it heeds connections that were given up."""

    text: bytes
    sha: bytes
    fenced: bool


@cache
def script(name: str) -> Script:
    """The script `lua/NAME.lua` with its parts."""
    own = part(name)
    first, _, _ = own.partition("\n")
    parts = first.removeprefix("--!").split()
    text = "".join((_CONSTANTS, *map(part, parts), own)).encode()
    return Script(text, sha1(text, usedforsecurity=False).hexdigest().encode(), "fence" in parts)


def part(name: str) -> str:
    """The text of `lua/NAME.lua` alone."""
    return (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
