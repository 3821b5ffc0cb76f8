"""The headers of a request by name, none of them lost: what is sent twice is seen to be. It judges none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names in small letters; values of one name with commas between, those of cookies with semicolons.

    A second Host makes the first one unreadable, so that nobody can have one of them checked and the other one used.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        between = "; " if key == "cookie" else ", "
        found[key] = f"{found[key]}{between}{value}" if key in found else value
    return found
