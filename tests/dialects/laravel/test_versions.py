"""What is written has the fields of each version of Laravel, and outlives what Laravel's own scripts do to it."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from queuemgr.dialects.laravel.format import Laravel
from queuemgr.job import Job, new_id

CAPTURES = Path(__file__).parent / "captures"
NOW = 1_795_315_460.0
TASK = "App\\Jobs\\Hello"


def captured(version: str, scenario: str) -> dict[str, object]:
    (one,) = [
        one for one in json.loads((CAPTURES / f"laravel-{version}.json").read_text()) if one["scenario"] == scenario
    ]
    payload: dict[str, object] = json.loads(one["payload"])
    return payload


@pytest.mark.parametrize(
    ("version", "file", "scenario", "fields"),
    [
        (8, "8.83", "push", {}),
        (8, "8.83", "other_queue", {"queue": "high"}),
        (8, "8.83", "string_job", {"task": "App\\Jobs\\StringHandler@run", "args": b'[[{"x":1}]]'}),
        (12, "12", "l12_push", {}),
        (12, "12", "l12_later", {"delay": 60.0}),
    ],
)
def test_the_fields_of_a_version_stand_in_their_order(
    version: int, file: str, scenario: str, fields: dict[str, object]
) -> None:
    theirs = captured(file, scenario)
    values = {"id": new_id(), "task": TASK, "args": b'[[],{"name":"ann"}]', **fields}
    ours = json.loads(Laravel(version=version).write(Job(**values), NOW))  # type: ignore[arg-type]
    assert list(ours) == list(theirs)
    assert set(ours["data"]) == set(theirs["data"])  # type: ignore[call-overload]
    same = {"job", "maxTries", "failOnTimeout", "backoff", "timeout", "attempts", "displayName", "delay", "createdAt"}
    moving = {"createdAt"} if scenario == "l12_push" else set()
    assert {name: ours[name] for name in (same - moving) & set(ours)} == {
        name: theirs[name] for name in (same - moving) & set(theirs)
    }


def test_the_newest_version_has_its_field_more() -> None:
    job = Job(id=new_id(), task=TASK, args=b"[[]]")
    newest, older = (json.loads(Laravel(version=version).write(job, NOW)) for version in (13, 12))
    assert newest.keys() - older.keys() == {"deleteWhenMissingModels"}


def test_horizon_is_told_what_it_shows() -> None:
    job = Job(id=new_id(), task=TASK, args=b"[[]]", tags=("mail", "user:7"))
    for dialect, tags in ((Laravel(), ["mail", "user:7"]), (Laravel(horizon=True), ["mail", "user:7"])):
        told = json.loads(dialect.write(job, NOW))
        assert (told["type"], told["tags"], told["silenced"], float(told["pushedAt"])) == ("job", tags, False, NOW)
        assert dialect.read(dialect.write(job, NOW), NOW).tags == ("mail", "user:7")
    assert "type" not in json.loads(Laravel().write(Job(id=new_id(), task=TASK, args=b"[[]]"), NOW))


def test_what_laravels_pop_rewrites_still_says_what_was_sent(url: str) -> None:
    dialect = Laravel(version=12)
    args = b'[[],{"o":{},"n":1234567890123456789,"f":0.12345678901234567,"l":[]}]'
    options = {"attempts": 4, "timeout": 0.12345678901234567, "retry_on": [], "backoff": {"base": 0.3}}
    job = Job(id=new_id(), task=TASK, args=args, options=options, crash_budget=7)
    record = dialect.write(job, NOW)
    parts = urlsplit(url)
    rewrite = "local p = cjson.decode(ARGV[1]) p['attempts'] = p['attempts'] + 1 return cjson.encode(p)"
    with redis.Redis(parts.hostname or "", parts.port or 0) as client:
        rewritten = client.eval(rewrite, 0, record)
    assert isinstance(rewritten, bytes)
    assert rewritten != record
    reading = dialect.read(rewritten, NOW)
    assert (reading.id, reading.names, reading.failures) == (job.id, (TASK,), 1)
    assert reading.options == {**options, "crash_budget": 7}
    assert dialect.open(rewritten).args == args
