"""What the URL of the store says: which database, and the names of its tables. It opens nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlunsplit

from queuemgr.dialects.laravel.address import WAYS, Ways, one_of, parts_of, said_in, shown, ways_of
from queuemgr.errors import ConfigError

from .failed import FailedTable
from .mysql import Mysql
from .postgres import Postgres
from .sqlite import Sqlite

if TYPE_CHECKING:
    from .connecting import Kind

OURS = {**WAYS, "table": "jobs", "failed": "failed_jobs", "connection": "database", "restart": "no"}
SCHEMA = "schema"
# What libpq reads, so far as a URL has use for it.
OF_POSTGRES = dict.fromkeys(
    (
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name", "options", "passfile"),
        *(
            SCHEMA,
            "target_session_attrs",
            "keepalives",
            "keepalives_idle",
            "tcp_user_timeout",
            "service",
            "client_encoding",
        ),
    ),
    "",
)
CERTIFICATES = ("ssl_ca", "ssl_cert", "ssl_key")
OF_MYSQL = {**dict.fromkeys((*CERTIFICATES, "unix_socket"), ""), "tls": "no"}
DEFAULT_PORT = 3306
POSTGRES, MYSQL, SQLITE = ("postgresql", "postgres"), ("mysql", "mariadb"), ("sqlite",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`table` and `failed` are the names of Laravel's tables; `cache_prefix` is that of its cache in the database."""

    kind: Kind
    ways: Ways
    table: str
    failed: str
    cache_prefix: str
    restart: bool
    remote: bool


def read(url: str) -> Address:
    """`laravel+postgresql://user@host/database?table=jobs`, also with mysql; `laravel+sqlite:///database.sqlite`.

    Raises ConfigError.
    """
    said = said_in(url, OURS, _theirs(url))
    ways = ways_of(said, table=True)
    for name in ("table", "failed"):
        if not said[name].replace("_", "").isalnum():
            raise ConfigError(f"{name}={said[name]} cannot be the name of a table: letters, digits and _ can")
    return Address(
        kind=kind_of(url),
        ways=ways,
        table=said["table"],
        failed=said["failed"],
        cache_prefix=said["cache_prefix"] or ("laravel_cache_" if ways.dialect.version >= 11 else "laravel_cache"),
        restart=one_of(said, "restart", "yes", "no") == "yes",
        remote=_scheme(url) not in SQLITE,
    )


def failed_of(url: str, connection: str) -> tuple[Kind, FailedTable]:
    """`postgresql://user@host/database?table=failed_jobs`: where the failures of these queues are.

    Raises ConfigError.
    """
    said = said_in(url, {"table": "failed_jobs"}, _theirs(url))
    return kind_of(url), FailedTable(said["table"], connection)


def kind_of(url: str) -> Kind:
    """The database behind a URL, with `laravel+` before it or not; what is ours in it is left out.

    Raises ConfigError.
    """
    scheme = _scheme(url)
    if scheme in SQLITE:
        parts = parts_of(url)
        path = unquote(parts.path.removeprefix("/"))
        if not path or parts.netloc:
            raise ConfigError(
                f"{shown(url)} names no file: write sqlite:///database.sqlite, or four slashes from the root"
            )
        return Sqlite(path)
    if scheme in MYSQL:
        return _mysql(url)
    if scheme in POSTGRES:
        return _postgres(url)
    raise ConfigError(f"{shown(url)} is no database that can be used here: postgresql, mysql and sqlite can")


def _postgres(url: str) -> Postgres:
    parts = parts_of(url)
    given = parse_qsl(parts.query)
    theirs = [(name, value) for name, value in given if name not in {*OURS, SCHEMA}]
    theirs += [("options", f"-c search_path={value}") for name, value in given if name == SCHEMA]
    query = urlencode(theirs, quote_via=quote)
    return Postgres(urlunsplit(("postgresql", parts.netloc, parts.path, query, "")), shown(url))


def _mysql(url: str) -> Mysql:
    parts = parts_of(url)
    said = {**OF_MYSQL, **dict(parse_qsl(parts.query))}
    database = unquote(parts.path.removeprefix("/"))
    if not database or "/" in database:
        raise ConfigError(f"{shown(url)} names no database: write mysql://user@host/database")
    target: dict[str, Any] = {"database": database, "user": unquote(parts.username or "")}
    if parts.password is not None:
        target["password"] = unquote(parts.password)
    if said["unix_socket"]:
        target["unix_socket"] = said["unix_socket"]
    else:
        target |= {"host": parts.hostname or "127.0.0.1", "port": parts.port or DEFAULT_PORT}
    tls = {name: said[name] for name in CERTIFICATES}
    is_encrypted = one_of(said, "tls", "yes", "no") == "yes" or any(tls.values())
    return Mysql(target, shown(url), tls if is_encrypted else None)


def _theirs(url: str) -> dict[str, str]:
    """The words of a URL that the database's own client reads."""
    scheme = _scheme(url)
    return OF_POSTGRES if scheme in POSTGRES else OF_MYSQL if scheme in MYSQL else {}


def _scheme(url: str) -> str:
    return parts_of(url).scheme.removeprefix("laravel+")
