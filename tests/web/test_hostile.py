"""Requests that nobody means well with: whatever arrives is refused in words, and nothing of the inside is told."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from queuemgr.service.access.tokens import Tokens
from queuemgr.service.desk import MOST
from queuemgr.service.web import impatient
from queuemgr.service.web.bridge import Chunks
from queuemgr.service.web.config import WebConfig
from queuemgr.service.web.request import LARGEST
from queuemgr.service.web.routes import Routes
from tests.web.rig import Answer, Asked, Server

ROUTES = [route for route in Routes().all if route.name not in ("events", "service.shutdown", "older.stop_service")]
IDS = ["..", "%2e%2e", "a%2fb", "%2fetc%2fpasswd", "%00", "%ff%fe", "%F0%9F%92%A9", "%ed%a0%80", "'%20or%201=1", "-1"]
QUERIES = [
    *(
        "limit=abc",
        "limit=99999999999999999999999",
        "limit=-1",
        "limit=1e309",
        "limit=NaN",
        "limit=5&limit=6",
        "limit=",
    ),
    *("after=xxx", "after=%00", "after=99999999999999999999", "offset=-1", "offset=99999999999999999999999"),
    *("state=x", "state=dead&state=dead", "created_after=nan", "created_before=-inf", "created_after=1e999"),
    *("search=%00", "search=(((((", "search=args.0:*", "text=%ff", "verb=x", "rule=*", "count=99999999", "count=-1"),
    *(
        "zone=..%2f..%2fetc%2fpasswd",
        "timeout=nan",
        "timeout=-1",
        "at=%00",
        "last=1e400",
        "hours=1e999",
        "=",
        "&&&",
        "a;b",
    ),
]
BODIES: dict[str, bytes] = {
    "a deep list": b'{"task":"a.b","arguments":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a deep object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "an endless number": b'{"task":"a.b","arguments":[' + b"9" * 5000 + b"]}",
    "a number of 65 bits": b'{"task":"a.b","arguments":[18446744073709551616]}',
    "an infinite number": b'{"task":"a.b","arguments":[1e999999]}',
    "no number": b'{"task":"a.b","arguments":[NaN]}',
    "an infinite delay": b'{"task":"a.b","options":{"delay":1e308}}',
    "a priority of 64 bits": b'{"task":"a.b","options":{"priority":9223372036854775808}}',
    "half a character": b'{"task":"a.b\\ud800","names":["\\ud800"],"name":"\\ud800"}',
    "a zero byte": b'{"task":"a\\u0000b","names":["\\u0000"],"rule":"\\u0000","zone":"\\u0000","missed":"skip"}',
    "no text": b'{"task":"\xff\xfe"}',
    "the same name twice": b'{"task":"a.b","task":"c.d"}',
    "a list": b"[]",
    "null": b"null",
    "what is compressed": gzip.compress(b'{"task":"a.b"}'),
    "tags of nobody": b'{"task":"a.b","arguments":[{"$":"nonsense"},{"$":5},{"$":"decimal","v":"x"}]}',
    "names of the inside": b'{"task":"a.b","options":{"__class__":1}}',
    "a query of nothing": b'{"verb":"retry","query":{"states":[{}],"ids":[1]}}',
    "too many ids": json.dumps({"verb": "delete", "job_ids": ["x"] * (MOST + 1)}).encode(),
    "too many names": json.dumps({"names": ["x"] * (MOST + 1), "running": 1}).encode(),
    "too many ids in a query": json.dumps({"verb": "delete", "query": {"ids": ["x"] * 40_000}}).encode(),
    "a zone that is a path": b'{"rule":"* * * * *","zone":"../../etc/passwd","missed":"once","task":"a.b"}',
    "an endless silence": b'{"rule":"*","duration":1e300}',
    "an endless limit": b'{"name":"x","names":["x"],"running":99999999999999999999,"limit":99999999999999999999}',
}


def require_calm(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    """503 is said where no service runs."""
    assert answer.status < 500 or answer.status == 503, (answer.status, answer.data[:500])
    for inside in (b"Traceback", b"site-packages", b"queuemgr/service", b'File "'):
        assert inside not in answer.data
    assert not [record for record in caplog.records if record.exc_info], caplog.text


@pytest.mark.parametrize("route", [one for one in ROUTES if one.method == "GET"], ids=lambda one: one.path)
def test_no_address_makes_a_look_fail(asked: Asked, job: str, route: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for name in [job, *IDS] if route.names else [""]:
        path = route.path
        for part in route.names:
            path = path.replace(f"{{{part}}}", name)
        for query in QUERIES if name in ("", job) else [""]:
            waits = "timeout=0" if route.name in ("jobs.wait", "job.wait") and "timeout" not in query else query
            require_calm(asked("GET", f"{path}?{waits}"), caplog)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_body_makes_a_change_fail(asked: Asked, job: str, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for route in ROUTES:
        if route.method != "GET":
            path = route.path
            for part in route.names:
                path = path.replace(f"{{{part}}}", job)
            require_calm(asked(route.method, path, body, content_type="application/json"), caplog)


def test_a_page_has_a_bound_and_no_way_around_it(asked: Asked) -> None:
    for limit in ("-1", str(MOST + 1), "99999999999999999999999"):
        answer = asked("GET", f"/api/v1/jobs?limit={limit}")
        assert (answer.status, answer.json["field"]) == (422, "limit")
    assert asked("GET", f"/api/v1/jobs?limit={MOST}").status == 200


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/plain", 403),
        ("application/x-www-form-urlencoded", 403),
        ("multipart/form-data; boundary=x", 403),
        ("text/plain; charset=utf-8", 403),
        ("", 415),
        ("application/jsonx", 415),
    ],
)
def test_what_a_form_of_another_site_can_send_changes_nothing(asked: Asked, kind: str, status: int) -> None:
    for route in ROUTES:
        if route.method == "POST" and not route.names and not route.older and route.name != "logout":
            answer = asked(route.method, route.path, b'{"task":"a.b"}', content_type=kind)
            assert answer.status == (415 if route.name == "login" else status), route.path
    assert asked("GET", "/api/v1/overview").json["queues"] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "x_queuemgr": "1"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost.evil.example"},
        {"origin": "http://localhost:1"},
        {"host": "evil.example"},
        {"host": "localhost.evil.example"},
        {"host": "localhost@evil.example"},
        {"host": "127.0.0.1.nip.io"},
        {"host": "localhost, evil.example"},
        {"host": "evil.example\tlocalhost"},
        {"host": ""},
    ],
    ids=str,
)
def test_a_change_from_elsewhere_is_refused(asked: Asked, headers: dict[str, str]) -> None:
    answer = asked("POST", "/api/v1/jobs", {"task": "a.b"}, **headers)
    assert answer.status == 403
    assert asked("GET", "/api/v1/overview").json["queues"] == []


@pytest.mark.parametrize(
    "path",
    [
        *("/../pyproject.toml", "/..%2f..%2f..%2fpyproject.toml", "/%2e%2e/web/core.py", "/....//core.py"),
        *("/lib/../../core.py", "/lib%5c..%5c..%5ccore.py", "//etc/passwd", "/%2fetc%2fpasswd", "/main.js%00.html"),
        *("/file:///etc/passwd", "/locales/..%2f..%2f__init__.py", "/index.html/../../core.py", "/.env", "/lib"),
    ],
)
def test_no_path_leaves_the_folder_of_the_page(asked: Asked, path: str) -> None:
    answer = asked("GET", path)
    assert answer.status == 404
    assert b"import" not in answer.data
    assert b"root:" not in answer.data


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "Authorization", "TOKEN"])
def test_a_token_in_an_address_is_refused_everywhere(asked: Asked, config: WebConfig, name: str) -> None:
    assert config.token_file is not None
    secret = Tokens(Path(config.token_file)).add("ann", "administer")[1]
    for path in ("/", "/api/v1/overview", "/api/v1/events", "/metrics"):
        answer = asked("GET", f"{path}?topic=overview&{name}={secret}")
        assert answer.status == 401
        assert secret.encode() not in answer.data


@pytest.mark.parametrize("text", ["x\r\nset-cookie: a=b", "x\r\n\r\n<script>", "x\n", "x\0", "é\u202e", "a" * 4000])
def test_nothing_that_is_asked_for_becomes_a_header(asked: Asked, text: str) -> None:
    for path in (f"/api/v1/jobs/{quote(text)}/result/content?download", f"/{quote(text)}", f"/api/v1/{quote(text)}"):
        answer = asked("GET", path, origin=text)
        assert answer.status in (401, 403, 404)
        for value in answer.headers.values():
            assert value.isprintable()
            assert text not in value


def test_a_topic_breaks_no_stream(asked: Asked) -> None:
    for topic in ("overview\ndata: x", "overview\r\rid: 1", "jobs.list?state=%0adata:", "overview?", "", "x" * 9000):
        answer = asked.bridge.answer(asked.request("GET", f"/api/v1/events?topic={quote(topic)}", None, "", {}))
        if isinstance(answer.body, bytes):
            assert answer.status in (400, 404, 422)
        else:
            Chunks(asked.bridge, answer.body).close()
            assert topic.isprintable()


def test_a_key_that_many_send_at_once_enqueues_once(asked: Asked) -> None:
    answers: list[Answer] = []

    def send() -> None:
        answers.append(asked("POST", "/api/v1/jobs", {"task": "a.b"}, idempotency_key="k"))

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert len(asked("GET", "/api/v1/jobs").json["jobs"]) == 1


def test_a_new_token_is_told_once_whatever_key_is_sent(asked: Asked, url: str) -> None:
    first = asked("POST", "/api/v1/tokens", {"name": "ann"}, idempotency_key="k")
    again = asked("POST", "/api/v1/tokens", {"name": "ann"}, idempotency_key="k")
    secret = first.json["secret"]
    assert (first.status, again.status) == (200, 409)
    assert secret.encode() not in again.data
    listed = asked("GET", "/api/v1/tokens").data + asked("GET", "/api/v1/audit").data
    assert secret.encode() not in listed
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        assert secret not in "\n".join(connection.iterdump())


def raw(server: Server, data: bytes) -> bytes:
    """All that the server says until it hangs up."""
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=40) as line:
        try:
            line.sendall(data)
            return b"".join(iter(lambda: line.recv(65536), b""))
        except ConnectionError:
            return b""


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", *headers, "Connection: close", "", ""]).encode()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (get("/api/v1/overview", "Host: localhost", "Host: evil.example"), b"400"),
        (get("/api/v1/overview", "Host: evil.example", "Host: localhost"), b"400"),
        (get("/api/v1/overview"), b"400"),
        (get("http://evil.example/api/v1/overview", "Host: localhost"), b"404"),
        (get("/api/v1/overview", "Host: localhost", f"X-Long: {'a' * 2_000_000}"), b"400"),
        (get("/api/v1/overview", "Host: localhost", *[f"X-{n}: {n}" for n in range(100_000)]), b"400"),
        (get(f"/{'a' * 2_000_000}", "Host: localhost"), b"400"),
        (get("/api/v1/overview", "Host: localhost", "X: a\0b"), b"400"),
        (get("/../../../etc/passwd", "Host: localhost"), b"404"),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"TRACE /api/v1/overview HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"405"),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"OPTIONS /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"405"),
        (b"GET /api/v1/overview HTTP/1.0\r\n\r\n", b"403"),
        (b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", b"400"),
        (b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    ],
)
def test_broken_requests_are_refused_by_the_server(server: Server, data: bytes, status: bytes) -> None:
    told = raw(server, data)
    # What is far too long need not be read to its end: then the line is cut before the answer is there.
    assert told.split(b" ", 2)[1:2] in ([status], [] if len(data) > 1_000_000 else [status]), told[:300]
    assert b"Traceback" not in told
    assert server.ask("GET", "/healthz").status == 200
    assert "Traceback" not in server.log


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_proxy_that_passes_nothing_on_lets_nobody_in(server: Server, method: str) -> None:
    assert server.status_for_a_proxy(method, "/api/v1/jobs", '{"task": "shop.pack"}') == 401
    assert server.ask(method, "/api/v1/jobs", {"task": "shop.pack"}).status == 200


def test_a_body_that_is_too_large_is_not_read(server: Server) -> None:
    head = "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json"
    told = raw(server, f"{head}\r\nContent-Length: {1 << 40}\r\n\r\n".encode() + b" " * (LARGEST + 100))
    assert told.split(b" ", 2)[1:2] in ([b"413"], [])
    assert server.ask("GET", "/healthz").status == 200
    assert "Traceback" not in server.log


def test_of_strangers_no_body_is_read(tmp_path: Any, url: str) -> None:
    Tokens(tmp_path / "tokens.json").add("ann", "operate")
    with Server(tmp_path, url, "--always-token") as server:
        head = "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        told = raw(server, f"{head}Content-Length: 5000000\r\nConnection: close\r\n\r\n".encode())
        assert told.split(b" ", 2)[1] == b"401"
        login = "POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        told = raw(server, f"{login}Content-Length: 20000\r\nConnection: close\r\n\r\n".encode() + b" " * 20_000)
        assert told.split(b" ", 2)[1] == b"413"


def test_whoever_sends_a_request_byte_by_byte_is_hung_up_on(tmp_path: Any, url: str) -> None:
    assert impatient.HEADERS <= 15
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nfrom queuemgr.service.web import impatient\nimpatient.HEADERS = 0.3\n"
        "from queuemgr.service.cli.main import main\nmain(['web', *sys.argv[1:]], 'queuemgr')\n"
    )
    options = ["--store", url, "--port", "0", "--no-open", "--proc-dir", str(tmp_path / "run")]
    with Server(tmp_path, url, program=[sys.executable, str(program), *options]) as server:
        port = int(server.url.rpartition(":")[2])
        lines = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(20)]
        for line in lines[:10]:
            line.sendall(b"GET /api/v1/overview HTTP/1.1\r\nHost: loc")
        with server.follow("topic=overview") as stream:
            stream.next()
            assert [line.recv(100) for line in lines] == [b""] * len(lines)
            assert server.ask("POST", "/api/v1/jobs", {"task": "a.b"}).status == 200
            assert json.loads(stream.next()["data"])["queues"][0]["name"] == "default"
        for line in lines:
            line.close()
    assert "Traceback" not in server.log
