"""What the URL of the store says: where Redis is, and how the Laravel application uses it. It opens nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from queuemgr.errors import ConfigError, did_you_mean

from .encryption import Encrypter
from .format import NEWEST, Laravel
from .keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEME = "laravel+redis"
DEFAULTS = {
    "prefix": "laravel_database_",
    "cache_prefix": "",
    "retry_after": "90",
    "version": "8",
    "connection": "redis",
    "crashes": "apart",
    "encrypt": "no",
    "horizon": "no",
    "key": "APP_KEY",
    "braces": "no",
    "tls": "no",
    "max_payload": str(16 * 1024 * 1024),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`redis` is the server's own URL. `retry_after` seconds after the last sign of a worker anybody may take its jobs.

    `count_crashes` lets a crash use up an attempt, as Laravel's own workers do; else crashes are counted apart.
    `max_payload` bytes is the largest job that is handed to a worker.
    """

    redis: str
    keys: Keys
    dialect: Laravel
    retry_after: float
    count_crashes: bool
    max_payload: int


def read(url: str) -> Address:
    """`laravel+redis://host:6379/0?prefix=myapp_database_&retry_after=90&version=12`. Raises ConfigError.

    The application's key is never part of the URL: `key` names the variable of the environment that holds it.
    """
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := given.keys() - DEFAULTS.keys():
        wrong = min(unknown)
        raise ConfigError(f"{wrong!r} in {_shown(url)} means nothing: {did_you_mean(wrong, DEFAULTS)}")
    said = {**DEFAULTS, **given}
    version = int(_number(said, "version", lambda n: 8 <= n <= NEWEST and n == int(n), f"a version from 8 to {NEWEST}"))
    retry_after = _number(said, "retry_after", lambda n: n >= 1, "seconds, at least 1")
    # Laravel puts a colon behind the prefix up to version 10; later its settings end with a sign of their own.
    cache_prefix = said["cache_prefix"] or ("laravel_cache_" if version >= 11 else "laravel_cache:")
    encrypter = _encrypter(said["key"])
    encrypt = _one_of(said, "encrypt", "yes", "no") == "yes"
    if encrypt and encrypter is None:
        raise ConfigError(f"encrypt=yes needs the application's key: set {said['key']} in the environment")
    scheme = "rediss" if _one_of(said, "tls", "yes", "no") == "yes" else "redis"
    return Address(
        redis=urlunsplit((scheme, parts.netloc or "127.0.0.1:6379", parts.path or "/0", "", "")),
        keys=Keys(said["prefix"], cache_prefix, _one_of(said, "braces", "yes", "no") == "yes"),
        dialect=Laravel(
            version=version,
            encrypter=encrypter,
            encrypt=encrypt,
            connection=said["connection"],
            horizon=_one_of(said, "horizon", "yes", "no") == "yes",
        ),
        retry_after=retry_after,
        count_crashes=_one_of(said, "crashes", "apart", "attempts") == "attempts",
        max_payload=int(_number(said, "max_payload", lambda n: n >= 1024, "bytes, at least 1024")),
    )


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


def _one_of(said: Mapping[str, str], name: str, *words: str) -> str:
    if said[name] not in words:
        raise ConfigError(f"{name}={said[name]} means nothing: {did_you_mean(said[name], words)}")
    return said[name]


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
