"""The network between a test and its server does to their connections what it says."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from .proxy import Proxy


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Server(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with Proxy(server.server_address[1]) as proxy:
            yield proxy
        server.shutdown()


def connect(proxy: Proxy) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", proxy.port), 10)
    client.sendall(b"hello\n")
    assert client.recv(100) == b"hello\n"
    return client


def is_over(client: socket.socket) -> bool:
    try:
        return client.recv(100) == b""
    except ConnectionResetError:
        return True


def test_it_carries_what_is_said(proxy: Proxy) -> None:
    connect(proxy).close()


def test_a_cut_ends_the_connections_there_are_and_no_later_ones(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.cut()
        assert is_over(client)
    connect(proxy).close()


def test_an_answer_is_cut_in_its_midst(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.cut_in_an_answer(3)
        client.sendall(b"farewell\n")
        assert client.recv(100) == b"far"
        assert is_over(client)
    connect(proxy).close()


def test_while_it_is_stalled_nothing_passes_and_afterwards_all(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.stall()
        client.sendall(b"late\n")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(100)
        proxy.flow()
        client.settimeout(10)
        assert client.recv(100) == b"late\n"


def test_a_proxy_without_patience_says_that_the_answer_comes_too_late(proxy: Proxy) -> None:
    proxy.patience = 0.05
    proxy.stall()
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as client:
        client.sendall(b"hello\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 504 ")
        assert is_over(client)


def test_a_proxy_without_patience_leaves_lines_alone_on_which_nobody_waits(proxy: Proxy) -> None:
    proxy.patience = 0.2
    with connect(proxy) as client:
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(100)
        proxy.patience = None
        client.sendall(b"hello\n")
        assert client.recv(100) == b"hello\n"
