"""The gate lets in whom it knows, with the scope of their token, and on loopback whoever is there."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from queuemgr.errors import ConfigError
from queuemgr.service.access.config import AccessConfig, find_token_file, require_token_or_loopback
from queuemgr.service.access.headers import joined
from queuemgr.service.daemon.configuration import gather
from queuemgr.service.desk import Visitor
from queuemgr.service.failures import Forbidden, TooManyAttempts, Unauthorized
from queuemgr.service.operations.operation import Scope
from tests.access.conftest import Scene, ask

FAR = {"host": "queue.example.com", "address": "10.0.0.9"}


def bearer(secret: str) -> dict[str, Any]:
    return {"authorization": f"Bearer {secret}"}


def cookie_of(headers: tuple[tuple[str, str], ...]) -> str:
    return dict(headers)["set-cookie"].partition(";")[0]


def test_on_loopback_whoever_is_there_may_do_everything(scene: Scene) -> None:
    assert scene.gate.admit(ask()) == Visitor("local", Scope.ADMINISTER, "api", "127.0.0.1")
    assert scene.gate.admit(ask(address="::1", host="[::1]:5000", sec_fetch_site="same-origin")).via == "web"


def test_a_page_that_is_read_only_lets_nobody_do_more_than_read(scene: Scene) -> None:
    gate = scene.open(read_only=True)
    secret = scene.token(scope="administer")
    assert gate.admit(ask()).scope is Scope.READ
    assert gate.admit(ask(**bearer(secret))).scope is Scope.READ
    assert gate.login(ask("POST"), secret).visitor.scope is Scope.READ


@pytest.mark.parametrize(
    ("settings", "request_"),
    [
        ({}, {"address": "10.0.0.9"}),
        ({}, {"address": None}),
        ({}, {"address": "127.0.0.1.evil.com"}),
        ({}, {"x_forwarded_for": "10.0.0.9"}),
        ({}, {"forwarded": "for=10.0.0.9"}),
        ({}, {"x_real_ip": "10.0.0.9"}),
        ({"always_token": True}, {}),
        ({"bound": "0.0.0.0"}, {}),
        ({"bound": None}, {"address": None}),
    ],
)
def test_whoever_may_be_elsewhere_needs_a_token(scene: Scene, settings: Any, request_: Any) -> None:
    """Also behind a proxy on this machine, which makes everybody seem to be here."""
    gate = scene.open(**settings)
    with pytest.raises(Unauthorized, match="who asks is not known") as refused:
        gate.admit(ask(**request_))
    assert refused.value.headers == (("www-authenticate", 'Bearer realm="queuemgr"'),)
    assert gate.admit(ask(**request_ | bearer(scene.token()))).name == "ann"


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_brings_its_name_and_its_scope(public: Scene, scope: Scope) -> None:
    secret = public.token("grafana", scope.name.lower())
    assert public.gate.admit(ask(**FAR, **bearer(secret))) == Visitor("grafana", scope, "api", "10.0.0.9")
    assert public.gate.admit(ask(**FAR, authorization=f"bEARER  {secret} ")).name == "grafana"


@pytest.mark.parametrize(
    "header",
    [
        *("Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "{secret}", "Bearer {secret}, Bearer {secret}"),
        *("Bearer {secret}x", "Bearer {secret} {secret}", "Token {secret}", "Bearer пароль"),
        *("Bearer " + "a" * 100_000, "Bearer\u00a0{secret}"),
    ],
)
def test_an_authorization_that_is_wrong_is_refused_even_on_loopback(scene: Scene, header: str) -> None:
    secret = scene.token()
    with pytest.raises(Unauthorized, match="not known here"):
        scene.gate.admit(ask(authorization=header.format(secret=secret)))


@pytest.mark.parametrize("name", ["token", "access_token", "Token", "api_key", "bearer"])
def test_a_token_in_the_address_is_refused_even_where_none_is_needed(scene: Scene, name: str) -> None:
    with pytest.raises(Unauthorized, match="in an address"):
        scene.gate.admit(ask(query=f"state=dead&{name}={scene.token()}"))


def test_an_expired_and_a_removed_token_are_refused_at_once(public: Scene) -> None:
    lasting, short = public.token("lasting"), public.token("short", lifetime=60)
    public.clock.advance(60)
    with pytest.raises(Unauthorized):
        public.gate.admit(ask(**FAR, **bearer(short)))
    assert public.gate.admit(ask(**FAR, **bearer(lasting)))
    public.tokens.remove("lasting")
    with pytest.raises(Unauthorized):
        public.gate.admit(ask(**FAR, **bearer(lasting)))


def test_a_token_that_is_made_again_under_its_name_does_not_revive_the_old_one(public: Scene) -> None:
    old = public.token()
    session = cookie_of(public.gate.login(ask("POST", **FAR), old).headers)
    public.tokens.remove("ann")
    public.token()
    for more in (bearer(old), {"cookie": session}):
        with pytest.raises(Unauthorized):
            public.gate.admit(ask(**FAR, **more))


@pytest.mark.parametrize("host", ["evil.com", "", None, "localhost, evil.com", "evil.com:5000", "127.0.0.1.nip.io"])
def test_a_name_that_is_not_ours_is_refused_for_everybody_even_with_a_token(scene: Scene, host: str | None) -> None:
    secret = scene.token()
    for more in ({}, bearer(secret)):
        with pytest.raises(Forbidden):
            scene.gate.admit(ask(host=host, **more))
        with pytest.raises(Forbidden):
            scene.gate.login(ask("POST", host=host), secret)


def test_a_second_host_header_is_not_hidden_by_the_first() -> None:
    pairs = [("Host", "127.0.0.1:5000"), ("host", "evil.com"), ("Cookie", "a=1"), ("cookie", "b=2")]
    assert joined(pairs) == {"host": "127.0.0.1:5000, evil.com", "cookie": "a=1; b=2"}


def test_headers_of_a_proxy_do_not_change_the_name_that_was_asked(scene: Scene) -> None:
    with pytest.raises(Forbidden):
        scene.gate.admit(ask(host="evil.com", x_forwarded_host="127.0.0.1:5000"))


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb", "a\x00b", "a\x7f", "\x1b[31m"])
def test_a_header_with_a_control_character_is_refused(scene: Scene, value: str) -> None:
    with pytest.raises(Forbidden, match="characters"):
        scene.gate.admit(ask(user_agent=value))
    assert scene.gate.admit(ask(user_agent="naïve\tñ"))


def test_a_login_gives_a_cookie_that_no_script_reads_and_no_other_site_sends(public: Scene) -> None:
    login = public.gate.login(ask("POST", **FAR), public.token(scope="read"))
    assert login.visitor == Visitor("ann", Scope.READ, "web", "10.0.0.9")
    header = dict(login.headers)["set-cookie"]
    assert header.startswith("queuemgr=")
    assert header.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert public.gate.admit(ask(**FAR, cookie=cookie_of(login.headers))).name == "ann"


@pytest.mark.parametrize("more", [{"scheme": "https"}, {"x_forwarded_proto": "https"}])
def test_over_https_the_cookie_is_sent_over_https_alone(public: Scene, more: Any) -> None:
    login = public.gate.login(ask("POST", **FAR, **more), public.token())
    assert "; Secure" in dict(login.headers)["set-cookie"]
    assert "; Secure" in dict(public.gate.logout(ask("POST", **FAR, **more)))["set-cookie"]


def test_a_cookie_holds_neither_the_token_nor_anything_made_of_it(public: Scene) -> None:
    secret = public.token()
    first, second = (cookie_of(public.gate.login(ask("POST", **FAR), secret).headers) for _ in range(2))
    assert first != second
    assert secret not in first
    assert public.tokens.all()[0].digest not in first


def test_a_session_dies_with_its_token_with_a_logout_and_with_the_process(public: Scene) -> None:
    secret = public.token(lifetime=100)
    one, two = (cookie_of(public.gate.login(ask("POST", **FAR), secret).headers) for _ in range(2))
    assert dict(public.gate.logout(ask("POST", **FAR, cookie=one)))["set-cookie"].startswith("queuemgr=;")
    with pytest.raises(Unauthorized):
        public.gate.admit(ask(**FAR, cookie=one))
    request = ask(**FAR, cookie=two)
    assert public.gate.holds(request)
    with pytest.raises(Unauthorized):
        public.open().admit(request)
    public.clock.advance(100)
    assert not public.gate.holds(request)
    with pytest.raises(Unauthorized):
        public.gate.admit(request)


def test_a_session_ends_while_it_is_followed_when_its_token_is_removed(public: Scene) -> None:
    secret = public.token()
    by_cookie = ask(**FAR, cookie=cookie_of(public.gate.login(ask("POST", **FAR), secret).headers))
    by_token = ask(**FAR, **bearer(secret))
    assert public.gate.holds(by_cookie)
    assert public.gate.holds(by_token)
    public.tokens.remove("ann")
    assert not public.gate.holds(by_cookie)
    assert not public.gate.holds(by_token)


@pytest.mark.parametrize(
    "cookie", ["queuemgr=", "queuemgr=x", "queuemgr=ы", "queuemgr=" + "a" * 100_000, "=;=", "queuemgr"]
)
def test_a_cookie_that_is_nobodys_is_as_good_as_none(scene: Scene, public: Scene, cookie: str) -> None:
    assert scene.gate.admit(ask(cookie=cookie)).name == "local"
    with pytest.raises(Unauthorized):
        public.gate.admit(ask(**FAR, cookie=cookie))
    scene.gate.logout(ask("POST", cookie=cookie))


def test_a_new_login_ends_the_session_that_the_browser_had(public: Scene) -> None:
    secret = public.token()
    old = cookie_of(public.gate.login(ask("POST", **FAR), secret).headers)
    public.gate.login(ask("POST", **FAR, cookie=old), secret)
    assert not public.gate.holds(ask(**FAR, cookie=old))


def test_sessions_are_bounded_and_the_one_used_last_stays(public: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queuemgr.service.access.sessions.MOST", 3)
    secret = public.token()
    cookies = [cookie_of(public.gate.login(ask("POST", **FAR), secret).headers) for _ in range(3)]
    public.gate.admit(ask(**FAR, cookie=cookies[0]))
    public.gate.login(ask("POST", **FAR), secret)
    assert [public.gate.holds(ask(**FAR, cookie=one)) for one in cookies] == [True, False, True]
    assert len(public.gate.sessions) == 3


def test_after_five_wrong_logins_the_right_token_has_to_wait_too(public: Scene) -> None:
    secret = public.token()
    for _ in range(5):
        with pytest.raises(Unauthorized):
            public.gate.login(ask("POST", **FAR), "qmgr_wrong")
    with pytest.raises(TooManyAttempts) as refused:
        public.gate.login(ask("POST", **FAR), secret)
    assert refused.value.headers == (("retry-after", "60"),)
    assert public.gate.login(ask("POST", host=FAR["host"], address="10.0.0.10"), secret)
    public.clock.advance(60)
    assert public.gate.login(ask("POST", **FAR), secret)


def test_wrong_bearers_are_slowed_down_and_right_ones_are_not(public: Scene) -> None:
    secret = public.token()
    for _ in range(5):
        with pytest.raises(Unauthorized):
            public.gate.admit(ask(**FAR, **bearer("qmgr_wrong")))
    with pytest.raises(TooManyAttempts):
        public.gate.admit(ask(**FAR, **bearer("qmgr_wrong")))
    assert public.gate.admit(ask(**FAR, **bearer(secret)))


def test_a_token_with_a_limit_is_told_to_wait(public: Scene) -> None:
    secret = public.token("agent", limit=2)
    for _ in range(2):
        public.gate.admit(ask(**FAR, **bearer(secret)))
    with pytest.raises(TooManyAttempts, match="agent may ask 2 times in a minute"):
        public.gate.admit(ask(**FAR, **bearer(secret)))
    public.clock.advance(30)
    assert public.gate.admit(ask(**FAR, **bearer(secret)))


def test_a_failed_login_is_logged_without_what_was_tried(public: Scene, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(Unauthorized) as refused:
        public.gate.login(ask("POST", **FAR), "qmgr_almost")
    assert "10.0.0.9" in caplog.text
    assert "almost" not in caplog.text + str(refused.value) + refused.value.hint


def test_a_login_is_sent_by_post_and_from_the_page_itself(public: Scene) -> None:
    secret = public.token()
    with pytest.raises(Forbidden, match="POST"):
        public.gate.login(ask("GET", **FAR), secret)
    with pytest.raises(Forbidden, match="another site"):
        public.gate.login(ask("POST", **FAR, origin="https://evil.com"), secret)
    with pytest.raises(Forbidden, match="another site"):
        public.gate.logout(ask("POST", **FAR, sec_fetch_site="cross-site"))


def test_a_token_file_that_cannot_be_used_lets_nobody_in(public: Scene) -> None:
    secret = public.token()
    public.tokens.path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        public.gate.admit(ask(**FAR, **bearer(secret)))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.53"])
def test_loopback_opens_without_tokens(scene: Scene, host: str) -> None:
    require_token_or_loopback(host, scene.config())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "queue.example.com", "*"])
def test_any_other_address_needs_a_token_that_still_counts(scene: Scene, host: str) -> None:
    with pytest.raises(ConfigError, match=r"other machines.*queuemgr token add NAME"):
        require_token_or_loopback(host, scene.config())
    scene.token(lifetime=60)
    require_token_or_loopback(host, scene.config())
    scene.clock.advance(60)
    with pytest.raises(ConfigError):
        require_token_or_loopback(host, scene.config())


def test_loopback_needs_a_token_too_where_one_is_always_asked_for(scene: Scene) -> None:
    with pytest.raises(ConfigError, match="token add"):
        require_token_or_loopback("127.0.0.1", scene.config(always_token=True))


def test_the_token_file_is_the_one_given_or_named_or_that_of_this_user(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("queuemgr.service.daemon.settings.STATE", tmp_path / "no such folder")
    assert find_token_file(None, {}) == tmp_path / "queuemgr" / "tokens.json"
    assert find_token_file(None, {"QUEUEMGR_TOKEN_FILE": "/x/named"}).as_posix() == "/x/named"
    assert find_token_file("/x/given", {"QUEUEMGR_TOKEN_FILE": "/x/named"}).as_posix() == "/x/given"


def test_the_variable_that_names_the_token_file_is_no_wrong_setting_of_the_service() -> None:
    assert gather(None, {"QUEUEMGR_TOKEN_FILE": "/x/named"})


def test_a_page_on_an_address_of_its_own_answers_to_it(scene: Scene) -> None:
    assert AccessConfig(bound="10.0.0.1", token_file=scene.tokens.path).names == ("10.0.0.1",)
    assert AccessConfig(bound="0.0.0.0", token_file=scene.tokens.path).names == ()
