"""The page as a real flask.Flask: its test client, its own server, and ours, with routes that a program adds."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import flask
import pytest
from werkzeug.serving import make_server

from queuemgr.errors import ConfigError, UnknownOption
from queuemgr.service.operations.table import OPERATIONS
from queuemgr.service.web import create_web_app
from tests.web.rig import Server

PROGRAM = """
import sys
from queuemgr.service.web import create_web_app, serve

app = create_web_app({store!r}, token_file={tokens!r}, proc_dir={folder!r})

@app.route("/api/custom")
def custom():
    return {{"custom": True}}

@app.route("/api/v1/jobs/<name>/custom", methods=["POST"])
def below(name):
    return {{"name": name}}
{more}
serve(app, port=0)
"""
GUARD = """
import flask

@app.before_request
def guard():
    if "letmein" not in flask.request.headers.get("x-door", ""):
        return "closed", 418
"""
DOOR = """
def door(within):
    def guard(environment, start_response):
        if environment.get("HTTP_X_DOOR") != "letmein":
            start_response("418 closed", [("content-length", "0")])
            return [b""]
        return within(environment, start_response)
    return guard

app.wsgi_app = door(app.wsgi_app)
"""
STAMP = """
@app.after_request
def stamp(response):
    response.headers["x-stamp"] = "ours"
    return response
"""


@pytest.fixture
def app(url: str, tmp_path: Path) -> Iterator[flask.Flask]:
    app = create_web_app(url, token_file=str(tmp_path / "tokens.json"), proc_dir=str(tmp_path / "run"))
    yield app
    app.extensions["queuemgr"].close()


def test_it_is_a_flask_with_every_route_of_the_table(app: flask.Flask) -> None:
    assert type(app) is flask.Flask
    rules = {(method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods or ()}
    for operation in OPERATIONS.values():
        method, _, path = operation.route.partition(" ")
        assert (method, "/api/v1" + path.replace("{", "<").replace("}", ">")) in rules


def test_its_test_client_reaches_api_page_and_own_routes(app: flask.Flask) -> None:
    @app.route("/api/custom")
    def custom() -> dict[str, bool]:
        return {"custom": True}

    client = app.test_client()
    assert client.get("/api/custom").json == {"custom": True}
    made = client.post("/api/v1/jobs", json={"task": "shop.pack"}).json
    assert client.get(f"/api/v1/jobs/{made['id']}").json["job"]["task"] == "shop.pack"
    assert client.get("/api/v1/jobs?state=deaf").status_code == 422
    assert b"<html" in client.get("/").data
    assert client.get("/main.js").content_type.startswith("text/javascript")
    assert client.get("/no-such.js").status_code == 404
    assert client.delete("/api/v1/jobs").status_code == 405
    assert client.get("/api/v1/jobs", headers={"Host": "evil.example"}).status_code == 403


def test_routes_of_the_program_go_before_the_page_but_not_before_the_api(app: flask.Flask) -> None:
    app.add_url_rule("/", "home", lambda: "our home")
    app.add_url_rule("/shop/<path:name>", "shop", lambda name: f"shop {name}")
    app.add_url_rule("/api/v1/overview", "false", lambda: "not the overview")
    client = app.test_client()
    assert client.get("/").data == b"our home"
    assert client.get("/shop/a/b.js").data == b"shop a/b.js"
    assert b"<html" in client.get("/index.html").data
    assert client.get("/main.js").content_type.startswith("text/javascript")
    assert client.get("/api/v1/overview").json["queues"] == []


def test_events_stream_through_its_test_client(app: flask.Flask) -> None:
    response = app.test_client().get("/api/v1/events?topic=overview")
    chunks = iter(response.response)
    assert next(chunks) == b"retry: 2000\n\n"
    assert b"event: overview" in next(chunks)
    response.close()
    site = app.extensions["queuemgr"]._opening.site
    assert site.hub.viewers == 0


def test_events_stream_through_its_own_server(app: flask.Flask) -> None:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        from http.client import HTTPConnection

        connection = HTTPConnection("127.0.0.1", server.server_port, timeout=20)
        connection.request("GET", "/api/v1/events?topic=overview")
        response = connection.getresponse()
        assert response.headers["content-type"] == "text/event-stream"
        assert response.readline() == b"retry: 2000\n"
        assert b"\n" in response.readline()
        assert response.readline().startswith(b"id: ")
        app.extensions["queuemgr"].close()
        response.read()
        connection.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_setting_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnknownOption, match="did you mean 'read_only'"):
        create_web_app(readonly=True)


def program(tmp_path: Path, url: str, more: str = "") -> Server:
    file = tmp_path / "program.py"
    file.write_text(
        PROGRAM.format(store=url, tokens=str(tmp_path / "tokens.json"), folder=str(tmp_path / "run"), more=more)
    )
    return Server(tmp_path, url, program=[sys.executable, str(file)])


def test_our_server_answers_ours_natively_and_theirs_through_flask(tmp_path: Path, url: str) -> None:
    with program(tmp_path, url) as server:
        assert server.ask("GET", "/api/custom").json == {"custom": True}
        assert server.ask("POST", "/api/v1/jobs/x/custom").json == {"name": "x"}
        assert server.ask("GET", "/api/v1/overview").json["queues"] == []
        assert server.status_for_a_proxy("GET", "/api/v1/overview") == 401
        assert b"<html" in server.ask("GET", "/").data
        assert server.ask("GET", "/api/nothing").json["type"] == "urn:queuemgr:not-found"
        streams = [server.follow("topic=overview") for _ in range(20)]
        for stream in streams:
            assert stream.next()["event"] == "overview"
        assert server.ask("GET", "/api/custom").json == {"custom": True}
        for stream in streams:
            stream.close()
    assert "Traceback" not in server.log


def test_a_home_of_the_program_is_served_in_the_place_of_the_page(tmp_path: Path, url: str) -> None:
    with program(tmp_path, url, '@app.route("/")\ndef home():\n    return "our home"\n') as server:
        assert server.ask("GET", "/").data == b"our home"
        assert server.ask("GET", "/main.js").headers["content-type"].startswith("text/javascript")
        assert server.ask("GET", "/api/v1/overview").json["queues"] == []


def test_what_the_program_does_after_each_request_is_done_after_ours_too(tmp_path: Path, url: str) -> None:
    with program(tmp_path, url, STAMP) as server:
        for path in ("/api/custom", "/api/v1/overview", "/"):
            assert server.ask("GET", path).headers["x-stamp"] == "ours"


@pytest.mark.parametrize("guard", [GUARD, DOOR], ids=["before each request", "around the application"])
def test_a_guard_of_the_program_stands_before_our_routes_too(tmp_path: Path, url: str, guard: str) -> None:
    with program(tmp_path, url, guard) as server:
        for path in ("/api/custom", "/api/v1/overview", "/", "/api/v1/events?topic=overview"):
            assert server.ask("GET", path).status == 418
        assert server.ask("GET", "/api/v1/overview", x_door="letmein").status == 200
        assert server.status_for_a_proxy("GET", "/api/v1/overview", x_door="letmein") == 401
        with server.follow("topic=overview", x_door="letmein") as stream:
            assert json.loads(stream.next()["data"])["queues"] == []
            server.process.terminate()
            server.process.wait(8)


def test_one_host_is_not_taken_for_its_letters() -> None:
    with pytest.raises(ConfigError, match=re.escape("write hosts=('shop.example.com',)")):
        create_web_app("sqlite:///jobs.db", hosts="shop.example.com")
