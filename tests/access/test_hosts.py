"""Names and addresses are read in one way only, and a page answers to its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuemgr.service.access.hosts import Host, Hosts, is_loopback, is_same, read_host, read_origin
from queuemgr.service.failures import Forbidden


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("localhost", Host("localhost")),
        ("LocalHost.:5000", Host("localhost", 5000)),
        ("127.0.0.1:5000", Host("127.0.0.1", 5000)),
        ("[::1]", Host("::1")),
        ("[::1]:5000", Host("::1", 5000)),
        ("[0:0:0:0:0:0:0:1]:80", Host("::1", 80)),
        ("[::ffff:127.0.0.1]:80", Host("127.0.0.1", 80)),
        ("queue.example.de", Host("queue.example.de")),
        ("xn--e1afmkfd.example:443", Host("xn--e1afmkfd.example", 443)),
    ],
)
def test_a_host_is_read_in_one_spelling(text: str, host: Host) -> None:
    assert read_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "localhost ", " localhost", "localhost\t", "local host", "localhost\r\nX: y", "localhost\x00"),
        *("localhost, localhost", "localhost,evil.com", "localhost;evil.com", "a@localhost", "localhost/evil.com"),
        *("localhost#", "localhost?x", "localhost\\evil.com", "localhost:", "localhost:0", "localhost:65536"),
        *("localhost:+80", "localhost:8e1", "localhost:080000", "localhost:80:80", "localhost:\uff18\uff10"),
        *("::1", "::1:5000", "[::1", "::1]", "[]", "[localhost]", "[127.0.0.1]", "[::1%25eth0]", "[::1]x", "[::1]:"),
        *("127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01", "127.0.0.1.", "1.2.3.4.5"),
        *(
            "\uff4cocalhost",
            "loc\u0430lhost",
            "例え.jp",
            "..",
            ".localhost",
            "a..b",
            "-a.com",
            "a" * 64,
            "a." * 200 + "com",
        ),
    ],
)
def test_what_is_no_host_or_could_be_read_in_two_ways_is_none(text: str) -> None:
    assert read_host(text) is None


@given(st.text(max_size=50))
def test_no_text_breaks_the_reading_of_a_host(text: str) -> None:
    host = read_host(text)
    assert host is None or read_host(f"[{host.name}]" if ":" in host.name else host.name) == Host(host.name)
    read_origin(text)
    is_loopback(text)


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]
)
def test_this_machine_alone_is_loopback(name: str) -> None:
    assert is_loopback(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        None,
        "0.0.0.0",
        "::",
        "*",
        "192.168.1.5",
        "localhost.evil.com",
        "evil-localhost",
        "127.0.0.1.evil.com",
        "fe80::1",
    ],
)
def test_nothing_else_is_loopback(name: str | None) -> None:
    assert not is_loopback(name)


@pytest.mark.parametrize(
    "header", ["localhost:5000", "127.0.0.1", "[::1]:9", "queue.example.com", "QUEUE.example.com:8443"]
)
def test_a_page_answers_to_loopback_and_to_the_names_that_it_was_told(header: str) -> None:
    Hosts(["queue.example.com", "10.0.0.1"]).require(header)


@pytest.mark.parametrize(
    "header", ["evil.com", "evil.com:5000", "queue.example.com.evil.com", "10.0.0.2", "x.queue.example.com"]
)
def test_a_page_answers_to_no_other_name(header: str) -> None:
    """A foreign page whose name was turned to this machine is refused by its name."""
    with pytest.raises(Forbidden, match="does not answer to the name"):
        Hosts(["queue.example.com", "10.0.0.1"]).require(header)


def test_a_page_that_is_told_no_name_says_so() -> None:
    with pytest.raises(ValueError, match="without a scheme"):
        Hosts(["https://queue.example.com/"])
    Hosts(["fe80::1"]).require("[fe80::1]:80")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:5000", "localhost:5000"),
        ("http://localhost", "localhost:80"),
        ("https://queue.example.com", "queue.example.com"),
        ("https://queue.example.com:443", "queue.example.com"),
        ("http://[::1]:5000", "[::1]:5000"),
    ],
)
def test_a_page_and_its_own_server_are_the_same(origin: str, host: str) -> None:
    assert is_same(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", "localhost:5000"),
        ("", ""),
        ("http://localhost:5001", "localhost:5000"),
        ("http://localhost", "localhost:5000"),
        ("http://127.0.0.1:5000", "localhost:5000"),
        ("http://evil.com", "localhost:5000"),
        ("http://localhost:5000.evil.com", "localhost:5000"),
        ("http://localhost:5000@evil.com", "localhost:5000"),
        ("http://localhost:5000/", "localhost:5000"),
        ("file://", "localhost:5000"),
        ("chrome-extension://localhost:5000", "localhost:5000"),
        ("http://localhost:5000, http://evil.com", "localhost:5000"),
    ],
)
def test_another_origin_is_not_the_same(origin: str, host: str) -> None:
    assert not is_same(origin, host)
