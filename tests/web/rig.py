"""Asks a site in this process, or a server in another one, and follows its events. Holds no test."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from queuemgr.service.web.bridge import Bridge, Chunks
from queuemgr.service.web.request import Request

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


@dataclass
class Asked:
    """Answers of a site. `usual` are headers that every request has."""

    bridge: Bridge
    usual: dict[str, str] = field(default_factory=lambda: {"host": "localhost"})
    address: str = "127.0.0.1"

    def __call__(self, method: str, path: str, body: Any = None, /, prefix: str = "", **headers: str) -> Answer:
        """Keyword arguments are headers, `_` for a dash; a body that is no bytes goes as JSON."""
        response = self.bridge.answer(self.request(method, path, body, prefix, headers))
        data = response.body if isinstance(response.body, bytes) else self.read(response.body)
        return Answer(response.status, {name.lower(): value for name, value in response.headers}, data)

    def request(self, method: str, path: str, body: Any, prefix: str, headers: dict[str, str]) -> Request:
        path, _, query = path.partition("?")
        sent = self.usual | {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            sent = {"content-type": "application/json"} | sent
            body = json.dumps(body).encode()
        return Request(method, path, query, sent, body or b"", self.address, "http", prefix)

    def read(self, body: Any) -> bytes:
        chunks = Chunks(self.bridge, body)
        try:
            return b"".join(chunks)
        finally:
            chunks.close()


class Server:
    """`queuemgr web` on a free port; `url` is its address."""

    def __init__(self, folder: Path, store: str, *options: str, program: list[str] | None = None) -> None:
        self.folder = folder
        self._command = program or [
            *(sys.executable, "-m", "queuemgr.service.web", "--store", store, "--port", "0", "--no-open"),
            *("--proc-dir", str(folder / "run"), "--token-file", str(folder / "tokens.json"), *options),
        ]

    def __enter__(self) -> Self:
        variables = {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            self._command,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "server.log").open("wb"),
            cwd=self.folder,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        if "http://" not in line:
            self.__exit__()
            raise AssertionError(self.log)
        self.url = line.split()[4]
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)

    def ask(self, method: str, path: str, body: Any = None, /, **headers: str) -> Answer:
        connection = self.connect()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent["content-type"] = "application/json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, told, response.read())
        finally:
            connection.close()

    def status_for_a_proxy(self, method: str, path: str, body: str = "", **headers: str) -> int:
        """What a proxy is answered that was told nothing but the port: it speaks HTTP/1.0, and names this machine."""
        place = urlsplit(self.url)
        head = [f"{method} {path} HTTP/1.0", f"Host: {place.netloc}", "Connection: close"]
        head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", body]
        with socket.create_connection((place.hostname, place.port), PATIENCE) as line, line.makefile("rb") as told:
            line.sendall("\r\n".join(head).encode())
            return int(told.readline().split()[1])

    def follow(self, query: str, **headers: str) -> Stream:
        return Stream(self.connect(), f"/api/v1/events?{query}", headers)


class Stream:
    """Server-sent events, one after another."""

    def __init__(self, connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> None:
        self.connection = connection
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        self.response = connection.getresponse()
        assert self.response.status == 200, self.response.read()

    def __iter__(self) -> Iterator[dict[str, str]]:
        event: dict[str, str] = {}
        for line in self.response:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                event[name] = value
            elif "data" in event:
                yield event
                event = {}
            else:
                event = {}

    def next(self) -> dict[str, str]:
        return next(iter(self))

    def close(self) -> None:
        self.response.close()
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
