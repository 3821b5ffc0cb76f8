"""No password is shown, however the address that holds it is written."""

from __future__ import annotations

import pytest

from queuemgr.address import shown_url
from queuemgr.app import open_store
from queuemgr.errors import ConfigError

PASSWORDS = [
    "alfa",
    "alfa/bravo",
    "alfa@bravo",
    "alfa?bravo",
    "alfa#bravo",
    "alfa:bravo",
    "alfa&x=bravo",
    "[alfa]",
    "ⅷalfa",
]
SCHEMES = [
    "redis",
    "rediss",
    "redis+sentinel",
    "redis+cluster",
    "postgresql",
    "laravel+redis",
    "laravel+mysql",
    "redsi",
]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///jobs.db", "sqlite:///jobs.db"),
        ("sqlite:////srv/a:b@c/jobs.db?durability=full", "sqlite:////srv/a:b@c/jobs.db?durability=full"),
        ("redis://host:6379/0?prefix=shop", "redis://host:6379/0?prefix=shop"),
        ("postgresql://user@host:5432/shop", "postgresql://user@host:5432/shop"),
        ("postgresql://user:secret@one:1,two:2/shop", "postgresql://user:***@one:1,two:2/shop"),
        ("redis://:secret@host/0", "redis://:***@host/0"),
        ("redis://host?password=secret&prefix=shop", "redis://host?password=***&prefix=shop"),
        ("redis+sentinel://host/main?sentinel_password=secret", "redis+sentinel://host/main?sentinel_password=***"),
        ("laravel+redis://host/0?failed=mysql%3A//u%3Asecret%40h/d", "laravel+redis://host/0?failed=***"),
        ("redis:user:secret@host", "redis:user:***@host"),
    ],
)
def test_all_but_the_password_is_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("user", ["", "user", "us@er", "us/er"])
def test_of_a_password_no_piece_is_shown(scheme: str, password: str, user: str) -> None:
    told = shown_url(f"{scheme}://{user}:{password}@host/0")
    assert not any(piece in told for piece in ("alfa", "bravo"))
    assert told.startswith(f"{scheme}://")
    assert told.endswith("@host/0")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("password", PASSWORDS)
def test_an_address_that_cannot_be_read_is_refused_without_its_password(scheme: str, password: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(f"{scheme}://user:{password}@host:port/zero?prefx=x")
    assert not any(piece in str(caught.value) for piece in ("alfa", "bravo"))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_a_word_that_means_nothing_is_to_say_is_not_told(scheme: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(f"{scheme}:///0?passwrod=alfa")
    assert "alfa" not in str(caught.value)
