"""Names and addresses as requests give them: what is this machine, and which names a page answers to.

A page that answered to any name could be reached by a foreign page whose name was turned to this machine. It knows no
names of the network and asks for none.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from queuemgr.service.failures import Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable

ANY = frozenset({"", "0.0.0.0", "::", "*"})
"""Addresses to bind to that stand for all of a machine's."""

LONGEST = 300
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_FIGURES = re.compile(r"[0-9]+|0x[0-9a-f]*")
_BRACKETED = re.compile(r"\[([0-9a-fA-F:.]+)\](?::([0-9]{1,5}))?")
_PLAIN = re.compile(r"([^\s:/?#@\[\]\\,;]+)(?::([0-9]{1,5}))?")
_USUAL = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Host:
    """`name` is in small letters, without brackets and last dot; `port` None where none is given."""

    name: str
    port: int | None = None


def read_host(text: str) -> Host | None:
    """What stands in a Host header; None where it is not exactly one name or address with at most a port."""
    found = _BRACKETED.fullmatch(text) if text.startswith("[") else _PLAIN.fullmatch(text)
    if found is None or len(text) > LONGEST:
        return None
    name = _normal(found[1])
    port = None if found[2] is None else int(found[2])
    if name is None or (text.startswith("[") and ":" not in found[1]) or (port is not None and not 0 < port < 65536):
        return None
    return Host(name, port)


def read_origin(text: str) -> tuple[str, Host] | None:
    """Scheme and host of an Origin header; None where it is no origin of a page."""
    scheme, mark, rest = text.partition("://")
    host = read_host(rest)
    return (scheme, host) if mark and scheme in _USUAL and host is not None else None


def is_same(origin: str, host: str) -> bool:
    """Whether a page of this origin asks the host that it came from; both as headers give them.

    The scheme is not compared: behind a proxy it is another one here than in the browser.
    """
    page, here = read_origin(origin), read_host(host)
    if page is None or here is None:
        return False
    usual = _USUAL[page[0]]
    return page[1].name == here.name and (page[1].port or usual) == (here.port or usual)


def is_loopback(name: str | None) -> bool:
    """Whether a name or an address, as it is bound to or comes from, is this machine alone."""
    plain = _normal((name or "").removeprefix("[").removesuffix("]"))
    if plain is None:
        return False
    try:
        return ipaddress.ip_address(plain).is_loopback
    except ValueError:
        return plain == "localhost"


class Hosts:
    """The names that a page answers to: those of loopback, and those it was told. Raises ValueError for no name."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(map(_required, names))

    def require(self, header: str) -> None:
        """Raises Forbidden."""
        host = read_host(header)
        if host is None:
            raise Forbidden("the request names no host that can be read", "ask by the address at which the page is")
        if not is_loopback(host.name) and host.name not in self._names:
            raise Forbidden(
                f"this page does not answer to the name {host.name!r}", f"start it with --allow-host {host.name}"
            )


def _required(text: str) -> str:
    host = read_host(text) or read_host(f"[{text}]")
    if host is None:
        raise ValueError(f"{text!r:.80} is no name of a host: write queue.example.com, without a scheme and a path")
    return host.name


def _normal(name: str) -> str | None:
    """In one spelling; None for what is neither a name nor an address."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        plain = name.lower().removesuffix(".")
        # A name of figures alone is an address in an older spelling, which every program reads in its own way.
        usual = _NAME.fullmatch(plain) and not _FIGURES.fullmatch(plain.rpartition(".")[2])
        return plain if usual and name.isascii() else None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
