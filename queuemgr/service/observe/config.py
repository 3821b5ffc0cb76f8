"""How alerts are set up: which there are, and who is told. It checks them and tells nobody."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from queuemgr.errors import ConfigError
from queuemgr.secret import DOTS

SENDERS = ("smtp", "smtps", "smtp+starttls")
LONGEST = 60.0


class AlertWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What more a configuration says of a rule: `queue` it is about ("*" for each), `for` how long it has to hold."""

    severity: str = "warning"
    queue: str | None = None
    lasting: str | float | None = msgspec.field(name="for", default=None)


class Notify(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is told of alerts: one of `webhook` (a URL), `email` (addresses) and `command` (a program's words).

    A webhook's body is signed with `secret`. Mail goes by `server` (smtp://, smtps:// or smtp+starttls://, with
    user:password@ if need be) and comes from `sender`. Each try may take `timeout` seconds. `severities` empty means
    all of them. Raises ConfigError.
    """

    webhook: str | None = None
    email: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    secret: str | None = None
    server: str = "smtp://localhost"
    sender: str = "queuemgr@localhost"
    timeout: float = 10.0
    severities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if sum((self.webhook is not None, bool(self.email), bool(self.command))) != 1:
            raise ConfigError("notify needs one of webhook, email and command in each entry")
        if self.webhook is not None and not _is_address(self.webhook, ("http", "https")):
            raise ConfigError(f"notify cannot use the webhook {self.name!r}: write https://HOST/PATH")
        if self.email and not _is_address(self.server, SENDERS):
            raise ConfigError("notify cannot use its mail server: write smtp://HOST:PORT, smtps:// or smtp+starttls://")
        if bad := next((one for one in (*self.email, self.sender) if not _is_mailbox(one)), None):
            raise ConfigError(f"notify cannot use {bad!r} as an address of mail")
        if not 0 < self.timeout <= LONGEST:
            raise ConfigError(f"notify needs a timeout above 0 and of at most {LONGEST:g} seconds, not {self.timeout}")

    @property
    def name(self) -> str:
        """What people and the store call it; it shows no password and no secret part of an address."""
        if self.webhook is not None:
            parts = urlsplit(self.webhook)
            return f"webhook {parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return f"email {', '.join(self.email)}" if self.email else f"command {self.command[0]}"


def without_secrets(notify: Any) -> Any:
    """What a configuration says of whom to notify, as it may be shown."""
    if not isinstance(notify, (list, tuple)):
        return notify
    return [_masked(one) if isinstance(one, dict) else one for one in notify]


def _masked(entry: dict[str, Any]) -> dict[str, Any]:
    shown = entry | {"secret": DOTS} if entry.get("secret") else dict(entry)
    for name in ("webhook", "server"):
        if isinstance(entry.get(name), str):
            parts = urlsplit(entry[name])
            # The path of a webhook is often all that protects it.
            shown[name] = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return shown


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_mailbox(text: str) -> bool:
    name, at, host = text.rpartition("@")
    return bool(name and at and host) and text.isprintable() and not any(one in text for one in " ,;<>")
