"""Results as streams of bytes: ranges, lines, lists, compression, secrets, and what is left when a reader goes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from queuemgr import App
from queuemgr.secret import Secret
from queuemgr.service.web.masking import Masking
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
