"""The command `queuemgr web`: addresses, ports that are taken, tokens that are missing, and a good end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from queuemgr.service.access.tokens import Tokens
from tests.web.rig import PATIENCE, ROOT, Server


def web(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "queuemgr.service.web", "--no-open", "--token-file", str(folder / "tokens.json")]
    store = f"sqlite:///{folder}/jobs.db"
    return subprocess.run(
        [*command, "--store", store, *options],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_port_that_is_taken_is_told_with_who_holds_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        done = web(tmp_path, "--port", str(port))
    assert done.returncode == 4
    assert f"port {port} is taken by process {psutil.Process().pid}" in done.stderr
    assert f"--port {port + 1}" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_for_others_needs_a_token(tmp_path: Path) -> None:
    done = web(tmp_path, "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "there is no token" in done.stderr
    assert "queuemgr token add" in done.stderr


def test_an_address_of_nobody_is_told(tmp_path: Path) -> None:
    Tokens(tmp_path / "tokens.json").add("ann", "read")
    done = web(tmp_path, "--host", "no.such.host.example", "--port", "0")
    assert done.returncode == 2
    assert "no.such.host.example" in done.stderr


def test_a_store_that_was_not_there_is_told(tmp_path: Path) -> None:
    for new in (True, False):
        with Server(tmp_path, f"sqlite:///{tmp_path}/nosuch.db"):
            pass
        said = (tmp_path / "server.log").read_text()
        assert (f"made a new, empty store at {tmp_path}/nosuch.db" in said) is new


def test_with_a_token_it_opens_for_others_and_asks_for_the_token(tmp_path: Path, url: str) -> None:
    secret = Tokens(tmp_path / "tokens.json").add("ann", "read")[1]
    with Server(tmp_path, url, "--host", "0.0.0.0") as server:
        server.url = server.url.replace("0.0.0.0", "127.0.0.1")
        assert server.ask("GET", "/api/v1/overview").status == 401
        assert server.ask("GET", "/api/v1/overview", authorization=f"Bearer {secret}").status == 200
        changed = server.ask("POST", "/api/v1/jobs", {"task": "t.t"}, authorization=f"Bearer {secret}")
        assert changed.status == 403
        assert "it answers to this machine's own names alone: --allow-host NAME" in server.log
    with Server(tmp_path, url, "--host", "0.0.0.0", "--allow-host", "queue.test") as server:
        assert "--allow-host" not in server.log


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_peace_when_it_is_told_to(server: Server, word: signal.Signals) -> None:
    server.ask("GET", "/api/v1/overview")
    server.process.send_signal(word)
    assert server.process.wait(PATIENCE) in (0, 130, -word)
    assert "Traceback" not in server.log


def test_it_answers_whatever_bytes_arrive(server: Server) -> None:
    for data in (b"\0\0\0\n\n", b"GET /%zz%%% HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST / HTTP/1.1\r\n", b"GET"):
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as line:
            line.sendall(data)
    assert server.ask("GET", "/healthz").status == 200
    assert "Traceback" not in server.log


def test_a_head_has_the_headers_of_a_get_and_nothing_else(server: Server) -> None:
    for path in ("/", "/api/v1/overview", "/api/v1/events?topic=overview"):
        head = server.ask("HEAD", path)
        assert (head.status, head.data) == (200, b"")
    assert server.ask("HEAD", "/").headers["etag"] == server.ask("GET", "/").headers["etag"]
