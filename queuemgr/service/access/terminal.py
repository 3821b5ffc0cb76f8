"""Whoever types commands on this machine, and what they change by them. It asks nobody for a token."""

from __future__ import annotations

import os
import pwd
import socket
import sys
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from queuemgr.app import App
    from queuemgr.client import AsyncClient

LONGEST = 200
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """As an audit entry names whoever asks."""

    name: str
    via: str = "cli"
    address: str | None = None


def this_person() -> Person:
    """user@host, as the kernel knows the user."""
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    return Person(f"{user}@{socket.gethostname()}"[:LONGEST])


async def asked(
    client: AsyncClient, app: App | None, function: Callable[..., Awaitable[T]], arguments: Mapping[str, Any]
) -> T:
    """Carry out the operation of this function, and write down that this person asked for it.

    Raises what the function raises.
    """
    from .audit import recorded

    inside = {"client": client, "app": app}
    given = {each: inside[each] for each in inside.keys() & signature(function).parameters.keys()}
    return await recorded(client, this_person(), name_of(function), arguments, lambda: function(**given, **arguments))


def name_of(function: Callable[..., Any]) -> str:
    """That of its operation. The table is not asked: it would import all the others."""
    operations = sys.modules[function.__module__].OPERATIONS
    return next(str(one.name) for one in operations if one.function is function)
