"""A job whose arguments nobody here can read is shown with its record as it is and a sentence, and never a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import redis
from click.testing import CliRunner

from queuemgr.dialects.laravel.keys import Keys
from queuemgr.service.cli.main import main

from .tables import TableApplication
from .test_poison import TASK, command

HOSTILE = 'O:14:"App\\Jobs\\Greet":1:{s:4:"name";O:16:"PendingBroadcast":1:{s:5:"event";s:9999:"\x1b[2J";}}'
RECORDS = {
    "truncated": (b'{"uuid":"u-1","job":"App\\\\Jobs\\\\Greet","da', "truncated"),
    "no object": (b'["a job"]', "no JSON object"),
    "no data": (b'{"uuid":"u-1","job":"App\\\\Jobs\\\\Greet","attempts":0}', "no data"),
    "no command": (
        json.dumps({"job": json.loads(command(""))["job"], "data": {}, "attempts": 0}).encode(),
        "commandName",
    ),
    "hostile": (command(HOSTILE), "its length 9999"),
    "no class": (command("O:4:"), "no PHP value"),
    "another class": (command('O:8:"Evil\\Job":0:{}'), "Evil\\Job"),
    "sealed": (command("eyJpdiI6IiJ9"), "encrypted"),
}
Shop = Callable[[list[bytes]], str]


@pytest.fixture(params=["redis", "sqlite", "postgres", "mariadb"])
def shop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Puts records into the queue, as others do, and tells the store's URL."""
    monkeypatch.delenv("APP_KEY", raising=False)
    if request.param != "redis":
        tables: TableApplication = request.getfixturevalue(f"{request.param}_tables")
        return lambda records: _into_table(tables, records)
    url: str = request.getfixturevalue("url")
    return lambda records: _into_redis(url, records)


def _into_redis(url: str, records: list[bytes]) -> str:
    parts = urlsplit(url)
    prefix = parts.query.removeprefix("prefix=")
    with redis.Redis(parts.hostname or "", parts.port or 0) as client:
        client.rpush(Keys(prefix).queue("default").ready, *records)
    return url


def _into_table(tables: TableApplication, records: list[bytes]) -> str:
    for record in records:
        text = record.decode().replace("'", "''")
        text = text.replace("\\", "\\\\") if "mysql" in tables.url else text
        columns = "queue, payload, attempts, available_at, created_at"
        tables.query(f"INSERT INTO jobs ({columns}) VALUES ('default', '{text}', 0, 1, 1)")
    return tables.url


def ask(url: str, *words: str) -> str:
    done = CliRunner().invoke(main, ["--store", url, *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_it_is_shown_as_it_is_and_with_the_reason(shop: Shop) -> None:
    url = shop([record for record, _ in RECORDS.values()])
    seen = {}
    for job in json.loads(ask(url, "jobs", "list", "--json"))["jobs"]:
        told = json.loads(ask(url, "jobs", "show", "--json", job["id"]))["arguments"]
        seen[told["raw"].encode()] = told["unreadable"]
    # Those that bear the same id are one to whoever asks for it.
    alike = [record for record, _ in RECORDS.values() if b'"u-1"' in record and record in seen]
    assert alike
    for record, words in RECORDS.values():
        assert record in seen or b'"u-1"' in record
        assert words in seen.get(record, words)


@pytest.mark.parametrize("name", ["truncated", "no data", "hostile"])
def test_people_read_the_reason_and_the_record_and_no_terminal_obeys_it(shop: Shop, name: str) -> None:
    record, words = RECORDS[name]
    url = shop([record])
    (job,) = json.loads(ask(url, "jobs", "list", "--json"))["jobs"]
    for verb in ("show", "arguments"):
        told = ask(url, "jobs", verb, job["id"])
        assert words in told
        assert record.decode().replace("\x1b", "\\x1b") in told
        assert "\x1b" not in told


def test_a_secret_in_a_record_that_cannot_be_read_is_not_shown(url: str) -> None:
    _into_redis(url, [b'{"job":"App\\\\Jobs\\\\Greet","data":{"card":{"$":"secret","v":"4111"}},"att'])
    (job,) = json.loads(ask(url, "jobs", "list", "--json"))["jobs"]
    told = ask(url, "jobs", "show", job["id"]) + ask(url, "jobs", "show", "--json", job["id"])
    assert "truncated" in told
    assert "4111" not in told


def test_what_can_be_read_is_shown_without_its_record(url: str) -> None:
    _into_redis(url, [command(f'O:14:"{TASK}":1:{{s:4:"name";s:3:"ann";}}')])
    (job,) = json.loads(ask(url, "jobs", "list", "--json"))["jobs"]
    told = json.loads(ask(url, "jobs", "show", "--json", job["id"]))["arguments"]
    assert (told["named"], "raw" in told) == ({"name": "ann"}, False)
