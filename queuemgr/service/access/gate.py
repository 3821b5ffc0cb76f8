"""The gate of every face that the network can reach: who asks, and whether they may come in at all.

What a visitor may do then is for the desk to say.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from queuemgr.errors import ConfigError
from queuemgr.service.desk import Visitor
from queuemgr.service.failures import Forbidden, Unauthorized
from queuemgr.service.operations.operation import Scope

from .attempts import FailedLogins, Pace
from .crosssite import LOOKS, require_own_page
from .hosts import Hosts, is_loopback
from .proxies import is_passed_on
from .sessions import COOKIE, Sessions, cookie

if TYPE_CHECKING:
    from queuemgr.service.web.request import Request

    from .config import AccessConfig
    from .token import Token

log = logging.getLogger("queuemgr.access")

HOW = "send Authorization: Bearer TOKEN, or log in; a token is made by queuemgr token add NAME --scope read"
IN_ADDRESS = frozenset({"token", "access_token", "api_key", "apikey", "auth", "authorization", "bearer"})
LOCAL = "local"
"""The name of whoever needs no token."""


@dataclass(frozen=True, slots=True)
class Login:
    """`headers` go with the answer, and give the browser its cookie."""

    visitor: Visitor
    headers: tuple[tuple[str, str], ...]


class Gate:
    """One for each page. Raises ValueError where one of `config.hosts` is no name."""

    def __init__(self, config: AccessConfig) -> None:
        self.config = config
        self.tokens = config.tokens()
        self.sessions = Sessions()
        self._hosts = Hosts(config.names)
        self._logins = FailedLogins(config.login_attempts, config.login_window, config.clock)
        self._pace = Pace(config.clock)

    def screen(self, request: Request) -> None:
        """What holds for everybody, also for those that nobody knows yet. Raises Forbidden, Unauthorized."""
        self._hosts.require(request.header("host"))
        if any(_is_odd(value) for value in request.headers.values()):
            raise Forbidden("a header holds characters that do not belong there", "send plain text in headers")
        if IN_ADDRESS & {name.lower() for name in request.parameters}:
            raise Unauthorized("a token in an address is kept in logs and histories, and is not taken from there", HOW)
        if not request.header("authorization"):
            require_own_page(request)

    def admit(self, request: Request) -> Visitor:
        """Raises Unauthorized, Forbidden, TooManyAttempts, and ConfigError where the token file cannot be used."""
        self.screen(request)
        token, via = self._who(request)
        return self._visitor(token, request, via)

    def holds(self, request: Request) -> bool:
        """Whether a request that was admitted once still would be: for answers that go on for long.

        It counts as no further request and as no failed login. A token file that cannot be used lets nobody stay.
        """
        secret = _secret_of(request)
        try:
            if secret is not None:
                return self.tokens.find(secret) is not None
            return self._of_cookie(request) is not None or self._is_open_to(request)
        except ConfigError:
            return False

    def login(self, request: Request, secret: str) -> Login:
        """A cookie for a token. Raises as `admit`; after too many failures also for the right token."""
        self._screen_change(request)
        self._logins.require_few(request.address)
        token = self.tokens.find(secret)
        if token is None:
            raise self._failure(request)
        self._logins.forget(request.address)
        self.sessions.end(request.cookies.get(COOKIE, ""))
        made = cookie(self.sessions.begin(token), path=request.prefix, secure=_is_https(request))
        return Login(self._visitor(token, request, "web"), (made,))

    def logout(self, request: Request) -> tuple[tuple[str, str], ...]:
        """The headers that take the cookie away. Raises as `screen`."""
        self._screen_change(request)
        self.sessions.end(request.cookies.get(COOKIE, ""))
        return (cookie("", path=request.prefix, secure=_is_https(request)),)

    def _screen_change(self, request: Request) -> None:
        self.screen(request)
        if request.method in LOOKS:
            raise Forbidden("this changes who asks: send it by POST")

    def _who(self, request: Request) -> tuple[Token | None, str]:
        """The token, None for whoever needs none, and the face. Raises Unauthorized, TooManyAttempts."""
        if request.header("authorization"):
            return self._bearer(request), "api"
        if (token := self._of_cookie(request)) is not None:
            return token, "web"
        if not self._is_open_to(request):
            raise Unauthorized("who asks is not known", HOW)
        return None, "web" if request.header("sec-fetch-site") or request.header("x-queuemgr") else "api"

    def _bearer(self, request: Request) -> Token:
        token = self.tokens.find(_secret_of(request) or "")
        if token is None:
            raise self._failure(request)
        return token

    def _of_cookie(self, request: Request) -> Token | None:
        digest = self.sessions.digest_behind(request.cookies.get(COOKIE, ""))
        return None if digest is None else self.tokens.of_digest(digest)

    def _failure(self, request: Request) -> Unauthorized:
        """Raises TooManyAttempts."""
        log.warning("a login from %s failed", request.address)
        self._logins.failed(request.address)
        return Unauthorized("this token is not known here, or it has expired or was removed", HOW)

    def _visitor(self, token: Token | None, request: Request, via: str) -> Visitor:
        """Raises TooManyAttempts."""
        if token is None:
            return Visitor(LOCAL, self._bounded(Scope.ADMINISTER), via, request.address)
        if token.limit is not None:
            self._pace.count(token.name, token.limit)
        return Visitor(token.name, self._bounded(token.allows), via, request.address)

    def _bounded(self, scope: Scope) -> Scope:
        return Scope.READ if self.config.read_only else scope

    def _is_open_to(self, request: Request) -> bool:
        """Only to whoever is on this machine, as far as can be told. What a proxy passes on is not."""
        config = self.config
        return (
            not config.always_token
            and (config.bound is None or is_loopback(config.bound))
            and is_loopback(request.address)
            and not is_passed_on(request)
        )


def _secret_of(request: Request) -> str | None:
    """Empty where another scheme was used than that of tokens, None where nothing was sent."""
    scheme, _, secret = request.header("authorization").strip().partition(" ")
    return None if not scheme else secret.strip() if scheme.lower() == "bearer" else ""


def _is_odd(value: str) -> bool:
    return not value.isprintable() and any(one == "\x7f" or (one < " " and one != "\t") for one in value)


def _is_https(request: Request) -> bool:
    """A cookie that goes only over https is asked for too often rather than too seldom."""
    told = request.header("x-forwarded-proto").partition(",")[0].strip().lower()
    return "https" in (request.scheme.lower(), told)
