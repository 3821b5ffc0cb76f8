"""Reads a store's address: what is for libpq, and what is for us. It connects to nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict

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
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    for name, value in given:
        _check(name, value, url)
    ours = {name: value for name, value in given if name in OPTIONS}
    theirs = urlencode([(name, value) for name, value in given if name not in OPTIONS])
    conninfo = urlunsplit(parts._replace(query=theirs))
    return Address(
        conninfo=_with_name(conninfo),
        schema=ours.get("schema", "queuemgr"),
        synchronous=DURABILITY[ours.get("durability", "full")],
        pooler={"auto": None, "none": False, "transaction": True}[ours.get("pooler", "auto")],
        migrates=ours.get("migrate", "auto") == "auto",
        shown=without_password(url),
    )


def without_password(url: str) -> str:
    parts = urlsplit(url)
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if "password" not in name])
    user, at, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{place}", query=query))


def _check(name: str, value: str, url: str) -> None:
    if name not in OPTIONS:
        known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
        if name not in known:
            raise ConfigError(
                f"{name!r} in {without_password(url)!r} means nothing: {did_you_mean(name, {*OPTIONS, *known})}"
            )
    elif name == "schema":
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,49}", value) or value.startswith("pg_"):
            raise ConfigError(
                f"schema={value!r} cannot be the name of a schema: up to 50 of a-z, 0-9 and _, none of them pg_ first"
            )
    elif (known_values := OPTIONS[name]) is not None and value not in known_values:
        words = [f"{name}={word}" for word in known_values]
        raise ConfigError(f"{name}={value!r} means nothing: {did_you_mean(f'{name}={value}', words)}")


def _with_name(conninfo: str) -> str:
    """How we are called in pg_stat_activity, unless the address says otherwise. Raises ConfigError."""
    try:
        # There are as many as hosts; libpq looks at them only when it connects.
        for port in str(conninfo_to_dict(conninfo).get("port", "")).split(","):
            if port and not (port.isdigit() and int(port) < 65536):
                raise ValueError(f"{port!r} is no port")
    except (ProgrammingError, ValueError) as error:
        raise ConfigError(f"{without_password(conninfo)!r} is no address of a PostgreSQL server: {error}") from error
    return f"{conninfo}{'&' if '?' in conninfo else '?'}fallback_application_name=queuemgr"
