"""Reads a store's address: what is for libpq, and what is for us. It connects to nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict

from queuemgr.address import shown_url
from queuemgr.errors import ConfigError, did_you_mean

DURABILITY = {"normal": "off", "local": "local", "full": "on", "applied": "remote_apply"}
"""What each word means to the server (its setting `synchronous_commit`)."""

OPTIONS = {
    "schema": None,
    "durability": tuple(DURABILITY),
    "pooler": ("auto", "none", "transaction"),
    "migrate": ("auto", "manual"),
}
"""Our own options, and what each may be."""


@dataclass(frozen=True, slots=True)
class Address:
    """`pooler` None means that it is found out; `shown` is the address without its password, for people."""

    conninfo: str
    schema: str
    synchronous: str
    pooler: bool | None
    migrates: bool
    shown: str


def read_address(url: str) -> Address:
    """Raises ConfigError, which names the nearest right word."""
    place, options = _parts(url)
    if _is_torn(place, options):
        raise ConfigError(
            f"{shown_url(url)!r} cannot be read: write / in a user or password as %2F, @ as %40 and ? as %3F"
        )
    given = [(name, unquote(value), option) for name, value, option in options]
    for name, value, _ in given:
        _check(name, value, url)
    ours = {name: value for name, value, _ in given if name in OPTIONS}
    # As they stand: libpq takes no + for a space.
    theirs = [option for name, _, option in given if name not in OPTIONS]
    return Address(
        conninfo=_with_name(place, theirs, url),
        schema=ours.get("schema", "queuemgr"),
        synchronous=DURABILITY[ours.get("durability", "full")],
        pooler={"auto": None, "none": False, "transaction": True}[ours.get("pooler", "auto")],
        migrates=ours.get("migrate", "auto") == "auto",
        shown=shown_url(url),
    )


def _parts(url: str) -> tuple[str, list[tuple[str, str, str]]]:
    """As libpq tells them apart: all up to the options, and each of these as (name, value, how it stands there)."""
    found = re.fullmatch(r"([^/]*://(?:[^@/]*@)?[^?]*)\??(.*)", url, re.DOTALL)
    place, query = found.groups() if found else (url, "")
    options = [option for option in query.split("&") if option]
    return place, [(*option.partition("=")[::2], option) for option in options]


def _is_torn(place: str, options: list[tuple[str, str, str]]) -> bool:
    """By what stands in a password; there would be more than one @ else, or one behind the hosts."""
    _, _, rest = place.partition("://")
    return "@" in re.sub("^[^@/]*@", "", rest) or any("@" in name for name, _, _ in options)


def _check(name: str, value: str, url: str) -> None:
    if name not in OPTIONS:
        known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
        if name not in known:
            place, nearest = shown_url(url).partition("?")[0], did_you_mean(name, {*OPTIONS, *known})
            raise ConfigError(f"{name!r} in {place!r} means nothing: {nearest}")
    elif name == "schema":
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,49}", value) or value.startswith("pg_"):
            raise ConfigError(
                f"schema={value!r} cannot be the name of a schema: up to 50 of a-z, 0-9 and _, none of them pg_ first"
            )
    elif (known_values := OPTIONS[name]) is not None and value not in known_values:
        words = [f"{name}={word}" for word in known_values]
        raise ConfigError(f"{name}={value!r} means nothing: {did_you_mean(f'{name}={value}', words)}")


def _with_name(place: str, options: list[str], url: str) -> str:
    """How we are called in pg_stat_activity, unless the address says otherwise. Raises ConfigError."""
    conninfo = f"{place}?{'&'.join((*options, 'fallback_application_name=queuemgr'))}"
    try:
        # There are as many as hosts; libpq looks at them only when it connects.
        for port in str(conninfo_to_dict(conninfo).get("port", "")).split(","):
            if port and not (port.isdigit() and int(port) < 65536):
                raise ValueError(f"{port!r} is no port")
    except (ProgrammingError, ValueError) as error:
        # libpq tells which word it cannot read, and that may be the password.
        password = place.rpartition("@")[0].partition("://")[2].partition(":")[2]
        reason = str(error).strip().replace(password or "\0", "***")
        raise ConfigError(f"{shown_url(url)!r} is no address of a PostgreSQL server: {reason}") from error
    return conninfo
