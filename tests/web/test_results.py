"""Results as streams of bytes: ranges, lines, lists, compression, secrets, and what is left when a reader goes."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from queuemgr import App
from queuemgr.codec import Codec
from queuemgr.secret import Secret
from queuemgr.service.places import Place
from queuemgr.service.web.bridge import Bridge
from queuemgr.service.web.config import WebConfig
from queuemgr.service.web.masking import Masking
from queuemgr.service.web.waypoints import MOST, STEP, Waypoints
from tests.web.rig import Asked, Server
from tests.worker.rig import drain, run

ROWS = [{"id": number, "text": f"row {number} " * 5} for number in range(20_000)]
LINES = b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in ROWS)


@pytest.fixture
def made(url: str) -> dict[str, str]:
    """Ids of jobs by what they returned."""
    app = App(url)
    values: dict[str, Any] = {
        "rows": lambda: ROWS,
        "few": lambda: [1, {"a": None}, "x\ny"],
        "none": lambda: ROWS[:0],
        "text": lambda: {"a": [1, 2], "b": "ü"},
        "bytes": lambda: bytes(range(256)) * 1000,
        "secret": lambda: [{"card": Secret("4111 1111"), "n": 1}, Secret({"deep": ["}", '"']})],
    }
    handles = {name: app.task(name=f"t.{name}")(function).enqueue() for name, function in values.items()}
    run(lambda: drain(app))
    app.close()
    return {name: handle.id for name, handle in handles.items()}


def content(job_id: str) -> str:
    return f"/api/v1/jobs/{job_id}/result/content"


def test_a_list_comes_as_lines_and_where_asked_for_as_one_list(asked: Asked, made: dict[str, str]) -> None:
    lines = asked("GET", content(made["rows"]))
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert lines.headers["content-length"] == str(len(LINES))
    assert lines.data == LINES
    for name, value in (("rows", ROWS), ("few", [1, {"a": None}, "x\ny"]), ("none", [])):
        listed = asked("GET", content(made[name]), accept="application/json")
        assert listed.status == 200, listed.json
        assert listed.headers["content-type"] == "application/json"
        assert listed.json == value


def test_other_values_come_as_json_and_bytes_as_they_are(asked: Asked, made: dict[str, str]) -> None:
    text = asked("GET", content(made["text"]))
    assert (text.headers["content-type"], text.json) == ("application/json", {"a": [1, 2], "b": "ü"})
    assert asked("GET", content(made["text"]) + "?at=a").data == b"1\n2\n"
    data = asked("GET", content(made["bytes"]))
    assert data.headers["content-type"] == "application/octet-stream"
    assert data.headers["content-disposition"].startswith("attachment")
    assert data.data == bytes(range(256)) * 1000


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=1000000-1000499", slice(1_000_000, 1_000_500)),
        ("bytes=-7", slice(-7, None)),
        (f"bytes={len(LINES) - 3}-", slice(-3, None)),
        (f"bytes=5-{10**12}", slice(5, None)),
    ],
)
def test_a_range_gives_exactly_those_bytes(asked: Asked, made: dict[str, str], wanted: str, part: slice) -> None:
    answer = asked("GET", content(made["rows"]), range=wanted, accept_encoding="gzip")
    assert answer.status == 206
    assert answer.data == LINES[part]
    assert answer.headers["content-length"] == str(len(answer.data))
    start = part.indices(len(LINES))[0]
    assert answer.headers["content-range"] == f"bytes {start}-{start + len(answer.data) - 1}/{len(LINES)}"


def test_a_range_that_is_not_there_is_refused_and_one_of_another_version_ignored(
    asked: Asked, made: dict[str, str]
) -> None:
    beyond = asked("GET", content(made["rows"]), range=f"bytes={len(LINES)}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(LINES)}")
    assert asked("GET", content(made["rows"]), range="bytes=5-1").status == 416
    assert asked("GET", content(made["rows"]), range="lines=1-2").status == 200
    etag = asked("GET", content(made["rows"])).headers["etag"]
    assert asked("GET", content(made["rows"]), range="bytes=0-9", if_range='"old"').status == 200
    assert asked("GET", content(made["rows"]), range="bytes=0-9", if_range=etag).status == 206
    assert asked("GET", content(made["rows"]), if_none_match=etag).status == 304
    assert asked("GET", content(made["rows"]), if_none_match=f'"other", W/{etag}').status == 304


def test_bytes_that_differ_have_another_validator(made: Any, asked: Asked) -> None:
    """Who goes on with half of a compressed answer must not get the other half of the plain one."""
    path = content(made["rows"])
    ways: list[dict[str, str]] = [
        {},
        {"accept_encoding": "gzip"},
        {"accept_encoding": "zstd"},
        {"accept": "application/json"},
    ]
    etags = [asked("GET", path, **way).headers["etag"] for way in ways]
    assert len(set(etags)) == len(ways)
    for way, etag in zip(ways, etags, strict=True):
        unchanged = asked("GET", path, if_none_match=etag, **way)
        assert (unchanged.status, unchanged.headers["etag"]) == (304, etag)
        assert asked("GET", path, range="bytes=0-9", if_range=etag).status == (206 if not way else 200)


@pytest.mark.parametrize("refusal", ["gzip;q=0", "gzip; q=0.000, zstd;q=0", "identity", "br"])
def test_nobody_gets_what_they_cannot_unpack(made: Any, asked: Asked, refusal: str) -> None:
    for path in (content(made["rows"]), "/", "/api/v1/openapi.json"):
        assert "content-encoding" not in asked("GET", path, accept_encoding=refusal).headers
    weighed = asked("GET", "/api/v1/openapi.json", accept_encoding="br, gzip;q=0.5")
    assert weighed.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(("way", "unpack"), [("gzip", gzip.decompress), ("zstd", None)])
def test_a_result_is_compressed_as_the_reader_likes_it(
    asked: Asked, made: dict[str, str], way: str, unpack: Any
) -> None:
    unpack = unpack or (lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data))
    for accept in ("*/*", "application/json"):
        answer = asked("GET", content(made["rows"]), accept_encoding=f"{way}, br", accept=accept)
        assert answer.headers["content-encoding"] == way
        assert len(answer.data) < len(LINES) / 5
        data = unpack(answer.data)
        assert data == LINES if accept == "*/*" else json.loads(data) == ROWS


def test_a_small_result_is_not_compressed(asked: Asked, made: dict[str, str]) -> None:
    assert "content-encoding" not in asked("GET", content(made["few"]), accept_encoding="gzip").headers


def test_a_job_without_a_result_says_so(asked: Asked, job: str) -> None:
    assert asked("GET", content(job)).status == 409
    assert asked("GET", content("nobody")).status == 404


def test_secrets_do_not_leave_in_any_form_or_range(asked: Asked, made: dict[str, str]) -> None:
    whole = asked("GET", content(made["secret"]))
    assert b"4111" not in whole.data
    assert b"deep" not in whole.data
    assert len([json.loads(line) for line in whole.data.splitlines()]) == 2
    size = len(whole.data)
    for start in range(size):
        part = asked("GET", content(made["secret"]), range=f"bytes={start}-")
        assert part.data == whole.data[start:]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(['"}', "\\", "{", "]"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    ),
    st.integers(1, 40),
)
def test_only_secrets_are_masked_however_the_stream_is_cut(value: Any, step: int) -> None:
    def told(secret: Any) -> bytes:
        tree = [value, {"$": "secret", "v": secret}, {"k": [value]}]
        return json.dumps(tree, separators=(",", ":")).encode()

    data, mask = told(value), Masking()
    parts = [mask.feed(data[at : at + step]) for at in range(0, len(data), step)]
    done = b"".join(parts) + mask.flush()
    assert len(done) == len(data)
    assert json.loads(done)[0] == value
    assert json.loads(done)[2] == {"k": [value]}
    hidden = json.loads(done)[1]["v"]
    assert set(str(hidden)) <= {"*"} or set(str(hidden)) == {"1"}


def test_a_reader_that_goes_in_the_middle_leaves_no_open_file(
    server: Server, made: dict[str, str], tmp_path: Path
) -> None:
    def open_results() -> list[str]:
        import psutil

        return [one.path for one in psutil.Process(server.process.pid).open_files() if one.path.endswith(".zst")]

    for _ in range(3):
        connection = server.connect()
        connection.request("GET", content(made["rows"]))
        assert connection.getresponse().read(10) == LINES[:10]
        connection.close()
    answer = server.ask("GET", content(made["rows"]))
    assert answer.data == LINES
    for _ in range(100):
        if not open_results():
            break
        server.ask("GET", "/healthz")
    assert open_results() == []


def test_a_range_that_begins_deep_within_a_large_secret_is_masked(asked: Asked, url: str) -> None:
    app = App(url)
    deep = "4111" * 1_500_000
    handle = app.task(name="t.deep")(lambda: [Secret(deep), {"n": 1}, Secret(deep), {"n": 2}]).enqueue()
    run(lambda: drain(app))
    app.close()
    whole = asked("GET", content(handle.id)).data
    assert len(whole) > 2 * len(deep)
    for start in (len(whole) - 40, 5_000_000, 3_000_000, 11_000_000, 6_000_040, 5_999_990, 100, len(whole) - 9):
        for length in (1, 300):
            part = asked("GET", content(handle.id), range=f"bytes={start}-{start + length - 1}")
            assert part.data == whole[start : start + length]
            assert b"4111" not in part.data


def test_waypoints_are_the_last_known_place_before_a_range() -> None:
    points = Waypoints()
    for place in (2 * STEP, 10, STEP, 2 * STEP + 5, 5 * STEP):
        points.add("a", place)
    assert [points.before("a", place) for place in (0, STEP - 1, STEP, 2 * STEP, 3 * STEP, 9 * STEP)] == [
        *(0, 0, STEP, 2 * STEP, 2 * STEP, 5 * STEP)
    ]
    assert points.before("b", 5 * STEP) == 0
    for number in range(2 * MOST):
        points.add(f"r{number}", STEP)
    assert points.before("a", 9 * STEP) == 0


def test_a_range_behind_a_waypoint_is_the_same_as_before(asked: Asked, made: dict[str, str], url: str) -> None:
    app = App(url)
    handle = app.task(name="t.long")(lambda: [{"n": number, "text": "x" * 90} for number in range(120_000)]).enqueue()
    run(lambda: drain(app))
    app.close()
    whole = asked("GET", content(handle.id)).data
    asked("GET", content(handle.id), range=f"bytes={len(whole) - 5}-")
    for start in (STEP - 3, STEP, 2 * STEP + 7, len(whole) - 50):
        assert asked("GET", content(handle.id), range=f"bytes={start}-{start + 90}").data == whole[start : start + 91]


def test_a_validator_does_not_let_a_short_secret_be_guessed(asked: Asked, url: str, tmp_path: Path) -> None:
    app, other = App(url), App(f"sqlite:///{tmp_path}/other.db")
    etags = []
    for one in (app, other):
        handle = one.task(name="t.pin")(lambda: Secret("1234")).enqueue()
        run(partial(drain, one))
        one.close()
        etags.append(handle.id)
    there = WebConfig(place=Place(other.url), proc_dir=str(tmp_path), token_file=str(tmp_path / "t"))
    asked_there = Asked(Bridge(there))
    here = asked("GET", content(etags[0])).headers["etag"]
    assert here != asked_there("GET", content(etags[1])).headers["etag"]
    asked_there.bridge.close()
    data = Codec().encode(Secret("1234"))
    assert here.strip('"') not in {hashlib.new(name, data).hexdigest()[:32] for name in ("sha256", "blake2b", "md5")}
    again = Bridge(asked.bridge.config)
    assert Asked(again)("GET", content(etags[0]), if_none_match=here).status == 304
    again.close()
