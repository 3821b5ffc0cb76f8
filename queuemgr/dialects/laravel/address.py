"""What the URL of a store says: where Laravel's jobs are, and how the application uses them. It opens nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from queuemgr.address import shown_url
from queuemgr.errors import ConfigError, did_you_mean

from .encryption import Encrypter
from .format import ABILITIES, NEWEST, TABLE_ABILITIES, Laravel
from .keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEME = "laravel+redis"
WAYS = {
    "retry_after": "90",
    "version": "8",
    "cache_prefix": "",
    "crashes": "apart",
    "encrypt": "no",
    "horizon": "no",
    "key": "APP_KEY",
    "max_payload": str(16 * 1024 * 1024),
}
DEFAULTS = {
    **WAYS,
    "prefix": "laravel_database_",
    "connection": "redis",
    "braces": "no",
    "tls": "no",
    "failed": "",
    "restart": "no",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How the application uses its queues, wherever they are.

    `retry_after` seconds after the last sign of a worker anybody may take its jobs. `count_crashes` lets a crash use up
    an attempt, as Laravel's own workers do; else crashes are counted apart. `max_payload` bytes is the largest job that
    is handed to a worker.
    """

    dialect: Laravel
    retry_after: float
    count_crashes: bool
    max_payload: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`redis` is the server's own URL. `failed` leads to the database that has the table failed_jobs; '' is none.

    `restart`: our workers end when `php artisan queue:restart` was called, as Laravel's own do.
    """

    redis: str
    keys: Keys
    ways: Ways
    failed: str
    restart: bool


def read(url: str) -> Address:
    """`laravel+redis://host:6379/0?prefix=myapp_database_&retry_after=90&version=12`. Raises ConfigError.

    The application's key is never part of the URL: `key` names the variable of the environment that holds it.
    """
    parts = parts_of(url)
    said = said_in(url, DEFAULTS)
    ways = ways_of(said)
    # Laravel puts a colon behind the prefix up to version 10; later its settings end with a sign of their own.
    cache_prefix = said["cache_prefix"] or ("laravel_cache_" if ways.dialect.version >= 11 else "laravel_cache:")
    scheme = "rediss" if one_of(said, "tls", "yes", "no") == "yes" else "redis"
    return Address(
        redis=urlunsplit((scheme, parts.netloc or "127.0.0.1:6379", parts.path or "/0", "", "")),
        keys=Keys(said["prefix"], cache_prefix, one_of(said, "braces", "yes", "no") == "yes"),
        ways=ways,
        failed=said["failed"],
        restart=one_of(said, "restart", "yes", "no") == "yes",
    )


def said_in(url: str, defaults: Mapping[str, str], more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the URL says, and the defaults where it is silent. Raises ConfigError for a word that means nothing.

    `more` are words that mean something to others.
    """
    given = dict(parse_qsl(parts_of(url).query, keep_blank_values=True))
    known = {**defaults, **(more or {})}
    if unknown := given.keys() - known.keys():
        wrong = min(unknown)
        raise ConfigError(f"{wrong!r} in {shown(url)} means nothing: {did_you_mean(wrong, known)}")
    return {**defaults, **given}


def ways_of(said: Mapping[str, str], *, table: bool = False) -> Ways:
    """Raises ConfigError."""
    version = int(_number(said, "version", lambda n: 8 <= n <= NEWEST and n == int(n), f"a version from 8 to {NEWEST}"))
    encrypter = _encrypter(said["key"])
    encrypt = one_of(said, "encrypt", "yes", "no") == "yes"
    if encrypt and encrypter is None:
        raise ConfigError(f"encrypt=yes needs the application's key: set {said['key']} in the environment")
    return Ways(
        dialect=Laravel(
            abilities=TABLE_ABILITIES if table else ABILITIES,
            version=version,
            encrypter=encrypter,
            encrypt=encrypt,
            connection=said["connection"],
            horizon=one_of(said, "horizon", "yes", "no") == "yes",
            table=table,
        ),
        retry_after=_number(said, "retry_after", lambda n: n >= 1, "seconds, at least 1"),
        count_crashes=one_of(said, "crashes", "apart", "attempts") == "attempts",
        max_payload=int(_number(said, "max_payload", lambda n: n >= 1024, "bytes, at least 1024")),
    )


def one_of(said: Mapping[str, str], name: str, *words: str) -> str:
    """Raises ConfigError for another word."""
    if said[name] not in words:
        raise ConfigError(f"{name}={said[name]} means nothing: {did_you_mean(said[name], words)}")
    return said[name]


def parts_of(url: str) -> SplitResult:
    """Raises ConfigError."""
    try:
        parts = urlsplit(url)
        names = [part.partition("=")[0] for part in parts.query.split("&")]
        if not any("@" in text for text in (parts.path if parts.netloc else "", parts.fragment, *names)):
            return parts
    except ValueError:
        pass
    # What it stumbled over is not told: that may be a piece of the password.
    raise ConfigError(f"{shown(url)} cannot be read: write [ in a user or password as %5B, / as %2F and ? as %3F")


def shown(url: str) -> str:
    """The URL without what is secret."""
    return shown_url(url).partition("?")[0]


def _encrypter(variable: str) -> Encrypter | None:
    key, earlier = os.environ.get(variable), os.environ.get("APP_PREVIOUS_KEYS", "")
    return Encrypter([key, *filter(None, earlier.split(","))]) if key else None


def _number(said: Mapping[str, str], name: str, fits: Callable[[float], bool], wanted: str) -> float:
    try:
        number = float(said[name])
    except ValueError:
        number = float("nan")
    if not fits(number):
        raise ConfigError(f"{name}={said[name]} cannot be: it must be {wanted}")
    return number
