"""Reads the address of a server, or of those who know where it is. It connects to nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from queuemgr.address import shown_url
from queuemgr.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 10.0
"""Seconds for which a call is tried again while the server is away."""

SCHEMES = {
    "redis": "direct",
    "rediss": "direct",
    "valkey": "direct",
    "valkeys": "direct",
    "unix": "unix",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}

_TLS = {
    "tls_ca": "ssl_ca_certs",
    "tls_cert": "ssl_certfile",
    "tls_key": "ssl_keyfile",
    "tls_verify": "ssl_cert_reqs",
}
_VERIFY = ("required", "optional", "none")
OPTIONS = ("prefix", "keep_finished", "patience", "db", "username", "password", "sentinel_password", *_TLS)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the store is: `hosts` are its server, or the Sentinels or nodes that are asked for it."""

    kind: str
    hosts: tuple[tuple[str, int], ...]
    tls: bool = False
    path: str = ""
    master: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    sentinel_password: str | None = None
    prefix: str = "queuemgr"
    keep_finished: int | None = None
    patience: float = PATIENCE

    @property
    def base(self) -> str:
        """What the names of all keys begin with; the braces keep them on one node of a cluster."""
        return f"{{{self.prefix}}}:"


def read_address(url: str) -> Address:
    """The address in a URL. Raises ConfigError with what is wrong and what would be right."""
    try:
        parts = urlsplit(url)
    except ValueError:
        # It would quote what it stumbled over.
        raise _wrong(url, "write signs such as [ in a user or password as %5B") from None
    try:
        _require_whole(parts)
        kind = SCHEMES[parts.scheme]
        login, _, place = parts.netloc.rpartition("@")
        options = _options(url, parts.query)
        username, _, password = login.partition(":")
        path = unquote(parts.path)
        hosts = _hosts(place, 26379 if kind == "sentinel" else 6379)
        master, db = _path(kind, path)
    except (ValueError, KeyError) as error:
        raise _wrong(url, str(error)) from error
    settings: dict[str, Any] = {"db": options.pop("db", db)}
    settings |= {name: unquote(text) for name, text in (("username", username), ("password", password)) if text}
    settings |= {name: options.pop(name) for name in ("username", "password") if name in options}
    settings |= {_TLS[name]: options.pop(name) for name in _TLS if name in options}
    address = Address(
        kind=kind,
        hosts=hosts,
        tls=parts.scheme.startswith(("rediss", "valkeys")),
        path=path if kind == "unix" else "",
        master=master,
        settings=settings,
        **options,
    )
    _check(url, address)
    return address


def shown(url: str) -> str:
    """The address without its password, for messages."""
    return shown_url(url).partition("?")[0]


def _require_whole(parts: SplitResult) -> None:
    """Raises ValueError where a password ends the address too early; further words could show pieces of it."""
    path = "" if parts.scheme == "unix" else parts.path
    names = [part.partition("=")[0] for part in parts.query.split("&")]
    if any("@" in text for text in (path, parts.fragment, *names)):
        raise ValueError("write / in a user or password as %2F, ? as %3F and # as %23")


def _options(url: str, query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for part in filter(None, query.split("&")):
        name, _, text = part.partition("=")
        if name not in OPTIONS:
            raise ConfigError(f"{name!r} in {shown(url)!r} means nothing: {did_you_mean(name, OPTIONS)}")
        options[name] = unquote(text)
    for name, kind in (("keep_finished", int), ("patience", float), ("db", int)):
        if name in options:
            options[name] = _number(name, kind, options[name])
    return options


def _number(name: str, kind: type[int] | type[float], text: str) -> float:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{name} is a number, not {text!r}") from None


def _hosts(place: str, port: int) -> tuple[tuple[str, int], ...]:
    return tuple(_host(one, port) for one in place.split(","))


def _host(text: str, port: int) -> tuple[str, int]:
    # An IPv6 address stands in brackets, because it has colons of its own.
    name, bracket, rest = text.rpartition("]")
    if not bracket:
        name, _, number = text.partition(":")
    else:
        number = rest.removeprefix(":")
    if number and not (number.isdecimal() and 0 < int(number) < 65536):
        raise ValueError(f"{number!r} is no port")
    return name.removeprefix("[") or "localhost", int(number or port)


def _path(kind: str, path: str) -> tuple[str, int]:
    words = [word for word in path.split("/") if word]
    match kind, words:
        case "unix", _:
            return "", 0
        case "sentinel", [master, *more] if len(more) < 2:
            return master, int(more[0]) if more else 0
        case "sentinel", _:
            raise ValueError("name the master: redis+sentinel://host:26379/master/0")
        case _, []:
            return "", 0
        case "cluster", _:
            raise ValueError("a cluster has one database only: leave the path out")
        case _, [db] if db.isdigit():
            return "", int(db)
    raise ValueError("the path is the number of a database, as in redis://localhost:6379/0")


def _check(url: str, address: Address) -> None:
    for problem in (*_problems_of_place(address), *_problems_of_tls(address), *_problems_of_options(address)):
        raise _wrong(url, problem)


def _problems_of_place(address: Address) -> Iterator[str]:
    if address.kind == "unix" and (not address.path or address.hosts != (("localhost", 6379),)):
        yield "a unix URL needs the path of a socket: unix:///run/redis/redis.sock"
    if address.kind == "direct" and len(address.hosts) > 1:
        yield "several hosts are those that know the server: redis+sentinel:// or redis+cluster://"


def _problems_of_tls(address: Address) -> Iterator[str]:
    given = {name: address.settings[theirs] for name, theirs in _TLS.items() if theirs in address.settings}
    if given and not address.tls:
        yield f"what is for TLS ({', '.join(given)}) wants rediss://, with two s"
    if given.pop("tls_verify", "required") not in _VERIFY:
        yield f"tls_verify is {' or '.join(_VERIFY)}"
    for name, file in given.items():
        if not Path(file).is_file():
            yield f"{name}={file} is no file"


def _problems_of_options(address: Address) -> Iterator[str]:
    if not address.prefix or {"{", "}"} & {*address.prefix}:
        yield "prefix must be a name without braces, as in prefix=shop"
    if address.keep_finished is not None and address.keep_finished < 1:
        yield "keep_finished is the number of finished jobs to keep, 1 or more"
    if not address.patience >= 0:
        yield "patience is a number of seconds, 0 or more"


def _wrong(url: str, problem: str) -> ConfigError:
    return ConfigError(f"{shown(url)!r} cannot be read: {problem}; write for example redis://localhost:6379/0")
