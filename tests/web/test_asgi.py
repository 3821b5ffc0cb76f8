"""The page as an ASGI application within Starlette, below a prefix, and as a module of urls within Django."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from queuemgr.service.access.tokens import Tokens
from queuemgr.service.web import create_asgi_app
from queuemgr.service.web.asgi import AsgiSite
from tests.web.rig import Server

STARLETTE = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from queuemgr.service.web import create_asgi_app
from queuemgr.service.web.serving import listen, url_of

page = create_asgi_app({store!r}, token_file={tokens!r}, proc_dir={folder!r})
app = Starlette(routes=[Route("/own", lambda request: PlainTextResponse("own")), Mount("/ops/queue", page)])
socket = listen("127.0.0.1", 0)
print("the page is at", url_of(socket, "127.0.0.1"), flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)).run([socket])
"""

DJANGO = """
import sys
from django.conf import settings
settings.configure(
    SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
    QUEUEMGR={{"store": {store!r}, "token_file": {tokens!r}, "proc_dir": {folder!r}}},
)
import django
django.setup()
from django.http import HttpResponse
from django.urls import include, path
urlpatterns = [path("own", lambda request: HttpResponse("own")), path("ops/", include("queuemgr.service.web.django"))]

if {asynchronous}:
    import uvicorn
    from django.core.asgi import get_asgi_application
    from queuemgr.service.web.serving import listen, url_of
    socket = listen("127.0.0.1", 0)
    print("the page is at", url_of(socket, "127.0.0.1"), flush=True)
    config = uvicorn.Config(get_asgi_application(), log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run([socket])
else:
    from wsgiref.simple_server import WSGIServer, make_server
    from socketserver import ThreadingMixIn
    from django.core.wsgi import get_wsgi_application
    class Threads(ThreadingMixIn, WSGIServer):
        daemon_threads = True
    server = make_server("127.0.0.1", 0, get_wsgi_application(), Threads)
    print("the page is at", f"http://127.0.0.1:{{server.server_port}}", flush=True)
    server.serve_forever()
"""


def served(tmp_path: Path, url: str, program: str, **more: object) -> Server:
    names = {"store": url, "tokens": str(tmp_path / "tokens.json"), "folder": str(tmp_path / "run")}
    file = tmp_path / "program.py"
    file.write_text(program.format(**names | more))
    return Server(tmp_path, url, program=[sys.executable, str(file)])


def look_around(server: Server, prefix: str) -> None:
    assert server.ask("GET", "/own").data == b"own"
    page = server.ask("GET", f"{prefix}/")
    assert f'<base href="{prefix}/"'.encode() in page.data
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert server.ask("GET", f"{prefix}/main.js").status == 200
    made = server.ask("POST", f"{prefix}/api/v1/jobs", {"task": "shop.pack"}).json["id"]
    assert server.ask("GET", f"{prefix}/api/v1/jobs/{made}").json["job"]["state"] == "ready"
    assert server.ask("GET", f"{prefix}/api/v1/jobs/none").json["status"] == 404
    assert server.status_for_a_proxy("GET", f"{prefix}/api/v1/jobs/{made}") == 401
    assert server.ask("GET", f"{prefix}/api/v1/openapi.json").json["servers"] == [{"url": prefix}]
    connection = server.connect()
    connection.request("GET", f"{prefix}/api/v1/events?topic=overview")
    response = connection.getresponse()
    lines = [response.readline() for _ in range(5)]
    assert lines[3] == b"event: overview\n"
    assert json.loads(lines[4].removeprefix(b"data: "))["queues"][0]["name"] == "default"
    response.close()
    connection.close()


def test_mounted_in_starlette_below_a_prefix_it_is_whole(tmp_path: Path, url: str) -> None:
    with served(tmp_path, url, STARLETTE) as server:
        look_around(server, "/ops/queue")
    assert "Traceback" not in server.log


@pytest.mark.parametrize("asynchronous", [True, False], ids=["asgi", "wsgi"])
def test_included_in_django_it_is_whole(tmp_path: Path, url: str, asynchronous: bool) -> None:
    with served(tmp_path, url, DJANGO, asynchronous=asynchronous) as server:
        look_around(server, "/ops")


def test_one_that_is_mounted_takes_names_that_were_named(tmp_path: Path, url: str) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.testclient import TestClient

    _, secret = Tokens(tmp_path / "t").add("ann", "read")
    known = {"authorization": f"Bearer {secret}"}
    page = create_asgi_app(url, hosts=("shop.example",), token_file=str(tmp_path / "t"), proc_dir=str(tmp_path))
    with TestClient(page, base_url="http://shop.example", client=("127.0.0.1", 1), headers=known) as client:
        assert client.get("/api/v1/overview").status_code == 200
        assert client.get("/api/v1/overview", headers={"host": "evil.example"}).status_code == 403
        mounted = TestClient(
            Starlette(routes=[Mount("/a", page)]), base_url="http://shop.example", client=("127.0.0.1", 1)
        )
        assert mounted.get("/a/api/v1/overview", headers=known).status_code == 200
        assert mounted.get("/a/api/v1/overview").status_code == 401


def test_of_two_hosts_none_counts(tmp_path: Path, url: str) -> None:
    page = create_asgi_app(url, token_file=str(tmp_path / "t"), proc_dir=str(tmp_path))
    for first, second in (("localhost", "evil.example"), ("evil.example", "localhost")):
        headers = [(b"host", first.encode()), (b"host", second.encode())]
        assert asyncio.run(status_of(page, headers)) == 403
    assert asyncio.run(status_of(page, [(b"host", b"localhost")])) == 200


async def status_of(page: AsgiSite, headers: list[tuple[bytes, bytes]]) -> int:
    scope = {"type": "http", "method": "GET", "path": "/api/v1/overview", "query_string": b"", "headers": headers}
    statuses: list[int] = []

    arriving: list[dict[str, Any]] = [{"type": "http.request"}]

    async def receive() -> dict[str, Any]:
        if not arriving:
            await asyncio.Event().wait()
        return arriving.pop()

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    await page({**scope, "client": ("127.0.0.1", 1)}, receive, send)
    await page._opening.close()
    return statuses[0]
