"""Readers that go in the middle of a stream, through every server and framework: nothing of theirs stays."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App
from tests.web.rig import Server
from tests.worker.rig import drain, run

LOOK = """
import asyncio, json, os, psutil
from queuemgr.service.web import live
live.COMMENT = 0.2

def state(opening, loop):
    hub = opening.site.hub
    async def tasks():
        return len(asyncio.all_tasks())
    return json.dumps({{
        "viewers": hub.viewers,
        "topics": hub.topics,
        "tasks": asyncio.run_coroutine_threadsafe(tasks(), loop).result(5),
        "files": [one.path for one in psutil.Process().open_files() if "results" in one.path or ".zst" in one.path],
    }})
"""
STARLETTE = (
    LOOK
    + """
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from queuemgr.service.web import create_asgi_app
from queuemgr.service.web.serving import listen, url_of

page = create_asgi_app({store!r}, token_file={tokens!r}, proc_dir={folder!r})
async def own(request):
    return PlainTextResponse(await run_in_threadpool(state, page._opening, asyncio.get_running_loop()))
app = Starlette(routes=[Route("/own", own), Mount("/q", page)])
socket = listen("127.0.0.1", 0)
print("the page is at", url_of(socket, "127.0.0.1"), flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)).run([socket])
"""
)
FLASK = (
    LOOK
    + """
import flask
from werkzeug.serving import make_server
from queuemgr.service.web import create_web_app
app = create_web_app({store!r}, token_file={tokens!r}, proc_dir={folder!r})
bridge = app.extensions["queuemgr"]
app.add_url_rule("/own", "own", lambda: state(bridge._opening, bridge._loop))
server = make_server("127.0.0.1", 0, app, threaded=True)
print("the page is at", f"http://127.0.0.1:{{server.server_port}}", flush=True)
server.serve_forever()
"""
)
GUARDED = (
    LOOK
    + """
from queuemgr.service.web import create_web_app, serve
app = create_web_app({store!r}, token_file={tokens!r}, proc_dir={folder!r})
bridge = app.extensions["queuemgr"]
app.add_url_rule("/own", "own", lambda: state(bridge._opening, bridge._loop))
app.before_request(lambda: None)
serve(app, port=0)
"""
)
DJANGO = (
    LOOK
    + """
from django.conf import settings
settings.configure(
    SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
    QUEUEMGR={{"store": {store!r}, "token_file": {tokens!r}, "proc_dir": {folder!r}}},
)
import django
django.setup()
from django.http import HttpResponse
from django.urls import include, path
from queuemgr.service.web.django import bridge
def own(request):
    return HttpResponse(state(bridge()._opening, bridge()._loop))
urlpatterns = [path("own", own), path("q/", include("queuemgr.service.web.django"))]
"""
)
DJANGO_ASGI = (
    DJANGO
    + """
import uvicorn
from django.core.asgi import get_asgi_application
from queuemgr.service.web.serving import listen, url_of
socket = listen("127.0.0.1", 0)
print("the page is at", url_of(socket, "127.0.0.1"), flush=True)
config = uvicorn.Config(get_asgi_application(), log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
uvicorn.Server(config).run([socket])
"""
)
DJANGO_WSGI = (
    DJANGO
    + """
from wsgiref.simple_server import WSGIServer, make_server
from socketserver import ThreadingMixIn
from django.core.wsgi import get_wsgi_application
class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True
server = make_server("127.0.0.1", 0, get_wsgi_application(), Threads)
print("the page is at", f"http://127.0.0.1:{{server.server_port}}", flush=True)
server.serve_forever()
"""
)
WAYS = {
    "asgi": (STARLETTE, "/q"),
    "flask": (FLASK, ""),
    "flask behind our server": (GUARDED, ""),
    "django asgi": (DJANGO_ASGI, "/q"),
    "django wsgi": (DJANGO_WSGI, "/q"),
}


@pytest.fixture
def rows(url: str) -> str:
    """The id of a job whose result is far larger than what a socket takes at once."""
    app = App(url)
    handle = app.task(name="t.rows")(lambda: [os.urandom(50_000).hex() for _ in range(300)]).enqueue()
    run(lambda: drain(app))
    app.close()
    return handle.id


@pytest.fixture(params=WAYS)
def place(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> Iterator[tuple[Server, str]]:
    """A server, and where the page is in it."""
    program, prefix = WAYS[request.param]
    if "django" in request.param:
        pytest.importorskip("django")
    names = {"store": url, "tokens": str(tmp_path / "tokens.json"), "folder": str(tmp_path / "run")}
    file = tmp_path / "program.py"
    file.write_text(program.format(**names))
    with Server(tmp_path, url, program=[sys.executable, str(file)]) as server:
        yield server, prefix


def state(server: Server) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(server.ask("GET", "/own").data)
    return told


def is_left(after: dict[str, Any], before: dict[str, Any]) -> bool:
    return (after["viewers"], after["topics"], after["files"]) == (0, [], []) and after["tasks"] <= before["tasks"]


def leave(server: Server, path: str, *headers: str, abruptly: bool) -> None:
    """Ask, read how the answer begins, and go."""
    line = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=20)
    line.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode())
    got = b""
    while len(got) < 800:
        piece = line.recv(400)
        assert piece, got
        got += piece
    assert got.split(b" ", 2)[1] in (b"200", b"206"), got
    if abruptly:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


def test_whoever_goes_in_the_middle_of_a_stream_leaves_nothing(place: tuple[Server, str], rows: str) -> None:
    server, prefix = place
    content = f"{prefix}/api/v1/jobs/{rows}/result/content"
    assert server.ask("GET", f"{prefix}/api/v1/overview").status == 200
    assert server.ask("GET", content, range="bytes=0-9").status == 206
    before = state(server)
    for abruptly in (True, False):
        leave(server, f"{prefix}/api/v1/events?topic=overview&topic=jobs.list", abruptly=abruptly)
        leave(server, content, abruptly=abruptly)
        leave(server, content, "Accept: application/json", abruptly=abruptly)
        leave(server, content, "Accept-Encoding: gzip", abruptly=abruptly)
        leave(server, content, "Range: bytes=1000000-", abruptly=abruptly)
        assert server.ask("HEAD", content).status == 200
        assert server.ask("HEAD", f"{prefix}/api/v1/events?topic=overview").status == 200
    due = time.monotonic() + 20
    while not is_left(after := state(server), before) and time.monotonic() < due:
        time.sleep(0.05)
    assert is_left(after, before), (after, before)
    assert server.ask("GET", f"{prefix}/api/v1/overview").status == 200
    assert "was destroyed but it is pending" not in server.log
    assert "never retrieved" not in server.log
