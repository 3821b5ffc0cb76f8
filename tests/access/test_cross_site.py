"""A foreign web page can change nothing here and read nothing, whatever it has a browser send."""

from __future__ import annotations

from typing import Any

import pytest

from queuemgr.service.failures import Forbidden
from tests.access.conftest import HERE, Scene, ask

CHANGES = ["POST", "PUT", "DELETE", "PATCH", "FOO"]
FORMS = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "TEXT/PLAIN;charset=utf-8",
]


@pytest.mark.parametrize(
    "sent",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "Cross-Site"},
        {"sec_fetch_site": "made up"},
        {"sec_fetch_site": "cross-site", "origin": f"http://{HERE}"},
        {"sec_fetch_site": "cross-site", "x_queuemgr": "1"},
        {"sec_fetch_site": "same-origin, cross-site"},
        {"origin": "http://evil.com"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:5001", "x_queuemgr": "1"},
        {"origin": f"http://{HERE}.evil.com"},
        {"origin": f"http://{HERE}, http://evil.com"},
    ],
)
def test_a_change_from_another_site_is_refused(scene: Scene, sent: Any) -> None:
    for method in CHANGES:
        with pytest.raises(Forbidden, match="another site"):
            scene.gate.admit(ask(method, **sent))


@pytest.mark.parametrize(
    "sent",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin", "origin": "null"},
        {"origin": f"http://{HERE}"},
        {"content_type": "application/json"},
        {},
    ],
)
def test_a_change_from_the_page_itself_or_from_a_program_passes(scene: Scene, sent: Any) -> None:
    for method in CHANGES:
        assert scene.gate.admit(ask(method, **sent))


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_of_unknown_origin_is_refused_unless_it_bears_our_mark(scene: Scene, kind: str) -> None:
    """A browser of long ago says nothing of where a form comes from."""
    with pytest.raises(Forbidden, match="could come from any web page"):
        scene.gate.admit(ask("POST", content_type=kind))
    assert scene.gate.admit(ask("POST", content_type=kind, x_queuemgr="1"))
    assert scene.gate.admit(ask("POST", content_type=kind, sec_fetch_site="same-origin"))


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket", ""])
def test_a_foreign_page_cannot_have_what_is_here_loaded_into_itself(scene: Scene, mode: str) -> None:
    for method in ("GET", "HEAD"):
        with pytest.raises(Forbidden, match="another site"):
            scene.gate.admit(ask(method, sec_fetch_site="cross-site", sec_fetch_mode=mode))


def test_a_link_from_elsewhere_to_the_page_works(scene: Scene) -> None:
    assert scene.gate.admit(ask(sec_fetch_site="cross-site", sec_fetch_mode="navigate"))


def test_a_token_is_never_sent_by_a_browser_on_its_own_so_that_it_may_come_from_anywhere(scene: Scene) -> None:
    header = f"Bearer {scene.token()}"
    assert scene.gate.admit(ask("POST", authorization=header, origin="https://tool.example.com"))
    assert scene.gate.admit(ask("POST", authorization=header, sec_fetch_site="cross-site"))


def test_a_cookie_does_not_stand_in_for_the_origin(scene: Scene) -> None:
    login = scene.gate.login(ask("POST"), scene.token())
    cookie = dict(login.headers)["set-cookie"].partition(";")[0]
    with pytest.raises(Forbidden):
        scene.gate.admit(ask("POST", cookie=cookie, origin="http://evil.com"))
