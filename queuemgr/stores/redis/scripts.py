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

_FOLDER = Path(__file__).with_name("lua")
_CONSTANTS = f"local KEEP, KEEP_DEAD, MOST_PROMOTED = {KEEP}, {KEEP_DEAD}, {MOST_PROMOTED}\n"


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the name under which the server keeps it."""

    text: bytes
    sha: bytes


@cache
def script(name: str) -> Script:
    """The script `lua/NAME.lua` with its parts."""
    own = _read(name)
    first, _, _ = own.partition("\n")
    parts = first.removeprefix("--!").split()
    text = "".join((_CONSTANTS, *map(_read, parts), own)).encode()
    return Script(text, sha1(text, usedforsecurity=False).hexdigest().encode())


def _read(name: str) -> str:
    return (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
