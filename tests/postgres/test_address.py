"""What stands in the address reaches the server or is refused with a sentence; no password is ever shown."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from urllib.parse import unquote

import pytest
from psycopg.conninfo import conninfo_to_dict

from queuemgr.errors import ConfigError
from queuemgr.stores.postgres.address import DURABILITY, read_address
from queuemgr.stores.postgres.store import PostgresStore
from tests.postgres.rig import at


def test_options_of_ours_and_of_the_client_library_are_told_apart() -> None:
    address = read_address("postgresql://u:secret@h:5/db?schema=jobs&sslmode=disable&durability=normal&migrate=manual")
    assert (address.schema, address.synchronous, address.pooler, address.migrates) == ("jobs", "off", None, False)
    assert "sslmode=disable" in address.conninfo
    assert "schema" not in address.conninfo


def test_the_default_survives_a_crash_of_the_server() -> None:
    assert read_address("postgres://h/db").synchronous == "on"


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("shema=a", "did you mean 'schema'?"),
        ("durability=ful", "did you mean 'durability=full'?"),
        ("pooler=transactoin", "did you mean 'pooler=transaction'?"),
        ("migrate=manuel", "did you mean 'migrate=manual'?"),
        ("sslmod=require", "did you mean 'sslmode'?"),
        ("schema=Jobs", "name of a schema"),
        ("schema=pg_jobs", "name of a schema"),
    ],
)
def test_a_wrong_option_is_refused_with_the_nearest_right_one(option: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PostgresStore(f"postgresql://u:secret@h/db?{option}")
    assert hint in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("place", ["h:port", "h:1,i:port", "h:65536", "%zz"])
def test_an_address_that_cannot_be_read_is_refused_without_its_password(place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PostgresStore(f"postgresql://u:secret@{place}/db")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "password", ["alfa/bravo", "alfa@bravo", "alfa/?bravo", "alfa/c@r?e#bravo", "alfa%bravo", "alfa bravo"]
)
def test_a_password_that_is_not_encoded_is_not_shown_either(password: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PostgresStore(f"postgresql://u:{password}@h/db")
    assert "'postgresql://u:***@h/db'" in str(caught.value)
    assert not any(part in str(caught.value) for part in ("alfa", "bravo"))


@pytest.mark.parametrize("password", ["se?cret", "se#cret", "se:cret", "se%2Fc%40ret"])
def test_what_libpq_takes_in_a_password_is_left_to_it_and_not_shown(password: str) -> None:
    address = read_address(f"postgresql://u:{password}@h/db?durability=normal&sslpassword=other")
    assert conninfo_to_dict(address.conninfo)["password"] == unquote(password)
    assert address.shown == "postgresql://u:***@h/db?durability=normal&sslpassword=***"


@pytest.mark.parametrize("place", ["", "/shop", "/shop?host=/run/postgresql&port=5433", "h/shop?options=-c%20a%3Db"])
def test_libpq_is_told_what_is_for_it_as_it_stands(place: str) -> None:
    url = f"postgresql://{place}"
    address = read_address(url)
    told = conninfo_to_dict(address.conninfo)
    assert told.pop("fallback_application_name") == "queuemgr"
    assert told == conninfo_to_dict(url)
    assert address.shown == url


@pytest.mark.parametrize("place", ["one:5433,two:5434", "one,two:5434", "one,two", "[::1]:5433,two"])
def test_several_hosts_may_have_ports_of_their_own(place: str) -> None:
    address = read_address(f"postgresql://u:secret@{place}/db?target_session_attrs=read-write")
    assert f"@{place}/db?target_session_attrs=read-write" in address.conninfo
    assert address.shown == f"postgresql://u:***@{place}/db?target_session_attrs=read-write"


@pytest.mark.parametrize("word", DURABILITY)
def test_each_durability_is_what_the_server_is_told(postgres_url: str, word: str) -> None:
    store = PostgresStore(at(postgres_url, durability=word))
    asyncio.run(store.open())
    try:
        asked = store._db.producers.transact(
            lambda connection: connection.execute("SHOW synchronous_commit").fetchone()
        )
        assert asked == (DURABILITY[word],)
    finally:
        asyncio.run(store.close())


def test_without_psycopg_the_error_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\nfrom queuemgr.app import open_store; open_store('postgresql://h/d')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "queuemgr[postgres]" in done.stderr
    assert "ConfigError" in done.stderr
