"""What a proxy on this machine passes on does not count as this machine, also where it says nothing of itself."""

from __future__ import annotations

from typing import Any

import pytest

from queuemgr.service.access.proxies import is_passed_on
from queuemgr.service.failures import Unauthorized
from tests.access.conftest import HERE, Scene, ask

THERE = "https://queue.example.com"
FROM_THE_PAGE: dict[str, Any] = {"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors"}


@pytest.mark.parametrize(
    "sent",
    [
        {"version": "1.0"},
        {"version": "1.0", "sec_fetch_site": "none"},
        FROM_THE_PAGE | {"origin": THERE},
        FROM_THE_PAGE | {"referer": f"{THERE}/jobs?state=dead"},
        FROM_THE_PAGE | {"origin": "null", "referer": f"{THERE}/"},
        FROM_THE_PAGE | {"origin": f"http://{HERE}", "referer": THERE},
        FROM_THE_PAGE | {"referer": "about:blank"},
        {"sec_fetch_site": "none", "origin": THERE},
        *({name: "10.0.0.9"} for name in ("x_client_ip", "true_client_ip", "cf_connecting_ip", "via")),
        *({f"x_forwarded_{name}": "a"} for name in ("for", "host", "proto", "port", "prefix", "server")),
        {"x_forwarded_for": ""},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_proxy_that_does_not_pass_the_name_on_makes_nobody_local(scene: Scene, method: str, sent: Any) -> None:
    """nginx with nothing but proxy_pass says Host: 127.0.0.1:5000, and of the browser's headers leaves all."""
    with pytest.raises(Unauthorized, match="who asks is not known"):
        scene.gate.admit(ask(method, **sent))
    assert not scene.gate.holds(ask(method, **sent))
    known = ask(method, **sent | {"authorization": f"Bearer {scene.token()}"})
    assert scene.gate.admit(known).name == "ann"


def test_who_logs_in_through_such_a_proxy_goes_on_with_the_cookie(scene: Scene) -> None:
    asked = FROM_THE_PAGE | {"origin": THERE, "version": "1.0"}
    login = scene.gate.login(ask("POST", **asked), scene.token())
    cookie = dict(login.headers)["set-cookie"].partition(";")[0]
    assert scene.gate.admit(ask("POST", **asked, cookie=cookie)).name == "ann"


@pytest.mark.parametrize("host", ["queue.example.com", "queue.example.com:5000", "QUEUE.example.com."])
def test_who_asks_by_a_name_that_others_know_needs_a_token(scene: Scene, host: str) -> None:
    """A proxy that passes on the name and nothing else is asked from anywhere."""
    gate = scene.open(hosts=("queue.example.com",))
    with pytest.raises(Unauthorized):
        gate.admit(ask(host=host))
    assert gate.admit(ask(host=host, authorization=f"Bearer {scene.token()}")).name == "ann"
    assert gate.admit(ask()).name == "local"


@pytest.mark.parametrize("host", [HERE, "localhost:8080", "[::1]:5000", "localhost", "127.0.0.1:80"])
@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"version": "2"},
        {"version": ""},
        {"sec_fetch_site": "none"},
        FROM_THE_PAGE,
        FROM_THE_PAGE | {"origin": "http://{host}"},
        FROM_THE_PAGE | {"referer": "http://{host}/jobs?state=dead"},
        FROM_THE_PAGE | {"origin": "null", "referer": "http://{host}"},
        {"origin": "http://{host}"},
    ],
)
def test_a_browser_a_program_and_a_tunnel_of_this_machine_are_local(scene: Scene, host: str, sent: Any) -> None:
    """A tunnel asks by whatever port it has at its other end."""
    told = {name: value.format(host=host) for name, value in sent.items()}
    for method in ("GET", "POST"):
        assert scene.gate.admit(ask(method, host=host, **told)).name == "local"


def test_a_link_from_another_page_is_opened_by_somebody_on_this_machine(scene: Scene) -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "referer": "http://wiki.example.com/"}
    assert scene.gate.admit(ask(**link)).name == "local"
    assert scene.gate.admit(ask(referer="http://wiki.example.com/")).name == "local"


@pytest.mark.parametrize("host", ["", None, "localhost, evil.com", "a b"])
def test_what_names_no_host_is_not_local(host: str | None) -> None:
    assert is_passed_on(ask(host=host))
    assert not is_passed_on(ask())
