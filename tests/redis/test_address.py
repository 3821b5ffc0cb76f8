"""Addresses are read as they are meant, and a wrong one is told with what would be right."""

from __future__ import annotations

from typing import Any

import pytest
import redis.asyncio.connection as aio
import redis.connection as blocking

from queuemgr.app import open_store
from queuemgr.errors import ConfigError
from queuemgr.stores.redis import connecting
from queuemgr.stores.redis.address import read_address, shown


def test_a_plain_address() -> None:
    address = read_address("redis://user:p%40ss@db.example:7000/3?prefix=shop&keep_finished=100&patience=2.5")
    assert (address.kind, address.hosts, address.tls) == ("direct", (("db.example", 7000),), False)
    assert address.settings == {"db": 3, "username": "user", "password": "p@ss"}
    assert (address.base, address.keep_finished, address.patience) == ("{shop}:", 100, 2.5)


@pytest.mark.parametrize("url", ["redis://", "valkey://localhost", "redis://localhost:6379/0"])
def test_what_is_left_out_is_what_is_usual(url: str) -> None:
    address = read_address(url)
    assert (address.hosts, address.settings["db"], address.prefix) == ((("localhost", 6379),), 0, "queuemgr")


def test_an_address_of_version_6() -> None:
    assert read_address("redis://[::1]:7000").hosts == (("::1", 7000),)
    assert read_address("redis://[::1]").hosts == (("::1", 6379),)


def test_sentinels_and_clusters_and_sockets() -> None:
    address = read_address("rediss+sentinel://:secret@a,b:26380/main/2?sentinel_password=x")
    assert (address.hosts, address.master, address.tls) == ((("a", 26379), ("b", 26380)), "main", True)
    assert (address.settings, address.sentinel_password) == ({"db": 2, "password": "secret"}, "x")
    assert read_address("redis+cluster://a:7000,b:7001").hosts == (("a", 7000), ("b", 7001))
    assert read_address("unix:///run/redis@1.sock?db=4").path == "/run/redis@1.sock"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://localhost?prefx=a", "did you mean 'prefix'"),
        ("redis://localhost/many", "number of a database"),
        ("redis://localhost:port", "'port' is no port"),
        ("redis://localhost:65536", "'65536' is no port"),
        ("redis://localhost:-1", "'-1' is no port"),
        ("redis://one:6379,two:6379", r"redis\+sentinel:// or redis\+cluster://"),
        ("redis://localhost?prefix={a}", "without braces"),
        ("redis://localhost?keep_finished=0", "1 or more"),
        ("redis://localhost?keep_finished=few", "keep_finished is a number, not 'few'"),
        ("redis://localhost?patience=-1", "0 or more"),
        ("redis://localhost?patience=nan", "0 or more"),
        ("redis://localhost?db=", "db is a number, not ''"),
        ("redis://localhost?tls_verify=none", "wants rediss://"),
        ("rediss://localhost?tls_verify=maybe", "tls_verify is required or optional or none"),
        ("rediss://localhost?tls_ca=/no/such/file", "tls_ca=/no/such/file is no file"),
        ("redis+sentinel://localhost", "name the master"),
        ("redis+cluster://localhost/1", "one database only"),
        ("unix://", "path of a socket"),
        ("unix://run/redis.sock", "unix:///run/redis/redis.sock"),
    ],
)
def test_a_wrong_address_is_told(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        open_store(url)


@pytest.mark.parametrize(
    ("options", "looks"),
    [("", True), ("?tls_verify=required", True), ("?tls_verify=optional", True), ("?tls_verify=none", False)],
)
@pytest.mark.parametrize("kind", [aio, blocking])
def test_whose_certificate_it_is_is_looked_at_whatever_redis_py_does_by_itself(
    monkeypatch: pytest.MonkeyPatch, kind: Any, options: str, looks: bool
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(kind, "SSLConnection", lambda **given: asked.update(given))
    address = read_address(f"rediss://host{options}")
    connecting._make(kind, address, "host", 6379, address.settings)
    assert asked["ssl_check_hostname"] is looks


def test_a_password_is_never_shown() -> None:
    assert shown("redis://user:secret@host:1/0?prefix=a") == "redis://user:***@host:1/0"
    with pytest.raises(ConfigError) as caught:
        open_store("redis://:secret@host/0?nonsense=1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("password", ["alfa/bravo", "alfa#bravo", "alfa?bravo", "alfa/x@y?z#bravo"])
def test_of_a_password_that_is_not_encoded_no_piece_is_shown(password: str) -> None:
    with pytest.raises(ConfigError, match="%2F") as caught:
        open_store(f"redis://:{password}@host:1/0")
    assert not any(piece in str(caught.value) for piece in ("alfa", "bravo"))
