"""Finds the server that takes writes: by its address, or by asking Sentinels or the nodes of a cluster.

A search is a conversation without a connection of its own: it yields what to ask whom, and is sent the answers.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from queuemgr.errors import StoreUnavailable

if TYPE_CHECKING:
    from .address import Address


@dataclass(frozen=True, slots=True)
class Question:
    """A command for one server, and the settings with which it is reached."""

    host: str
    port: int
    settings: dict[str, Any]
    command: tuple[str, ...]


Search = Generator[Question, Any, tuple[str, int]]


def search(address: Address) -> Search:
    """Who takes our writes now, as (host, port). An error that is thrown in counts as no answer."""
    match address.kind:
        case "sentinel":
            return _ask_sentinels(address)
        case "cluster":
            return _ask_nodes(address)
    return _known(address)


def _known(address: Address) -> Search:
    yield from ()
    return address.hosts[0]


def _ask_sentinels(address: Address) -> Search:
    settings = {"password": address.sentinel_password} if address.sentinel_password else {}
    trouble = ""
    for host, port in address.hosts:
        try:
            found = yield Question(host, port, settings, ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.master))
        except Exception as error:
            trouble = _said(host, port, error)
            continue
        if found:
            return found[0].decode(), int(found[1])
    raise StoreUnavailable(
        f"no Sentinel of {_listed(address)} knows a master {address.master!r}{trouble}: "
        "are they running, and are the name and sentinel_password right?"
    )


def _ask_nodes(address: Address) -> Search:
    from redis.crc import key_slot

    slot = key_slot(address.base.encode())
    trouble = ""
    for host, port in address.hosts:
        try:
            ranges = yield Question(host, port, address.settings, ("CLUSTER", "SLOTS"))
        except Exception as error:
            trouble = _said(host, port, error)
            continue
        for first, last, master, *_ in ranges:
            if first <= slot <= last:
                return (master[0] or host.encode()).decode(), int(master[1])
    raise StoreUnavailable(
        f"no node of {_listed(address)} knows who holds the keys of {address.prefix!r}{trouble}: "
        "is it a cluster, is it whole, and is the password right?"
    )


def _said(host: str, port: int, error: Exception) -> str:
    reason = str(error).rstrip(".")
    return f" ({host}:{port} says: {reason})"


def _listed(address: Address) -> str:
    return ", ".join(f"{host}:{port}" for host, port in address.hosts)
