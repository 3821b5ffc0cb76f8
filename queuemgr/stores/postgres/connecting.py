"""Opens connections with the right settings, and finds out whether a pooler stands between. It asks nothing of jobs."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq

from queuemgr.errors import ConfigError, StoreError

from . import statements
from .faults import Refused, refusal_of

if TYPE_CHECKING:
    from .address import Address
    from .statements import Question

# Of libpq, in seconds and (tcp_user_timeout) milliseconds: a machine or a network that is gone says no goodbye, and by
# itself the kernel would wait for it for a quarter of an hour. They do not limit how long an answer may take.
LIMITS = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 6_000,
}
OLDEST = 130000

Connection = psycopg.Connection[tuple[Any, ...]]
FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE, pq.ExecStatus.PIPELINE_ABORTED)


class Link:
    """One open connection. `pooled`: a pooler lends it for one transaction at a time, so that it keeps no state."""

    def __init__(self, address: Address) -> None:
        """Blocks until it is open. Raises Refused."""
        self._address = address
        try:
            self.connection = _connect(address)
        except psycopg.Error as error:
            raise refusal_of(error) from error
        self.pgconn = self.connection.pgconn
        self.socket = self.pgconn.socket
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN | select.POLLERR | select.POLLHUP)
        try:
            self.pooled = _is_pooled(self.connection) if address.pooler is None else address.pooler
            self._set_up(address)
        except psycopg.Error as error:
            self.connection.close()
            raise refusal_of(error) from error

    def _set_up(self, address: Address) -> None:
        synchronous = address.synchronous if self.pooled else None
        self._sql = {name: statements.sql_of(name, address.schema, synchronous) for name in statements.NAMES}
        self._prepared = self.pooled
        if not self.pooled:
            self.connection.execute(self.settings("SET"))

    def settings(self, how: str) -> str:
        """Statements by which SQL finds our tables, and commits are kept as the address says."""
        return f'{how} search_path = "{self._address.schema}"; {how} synchronous_commit = {self._address.synchronous}'

    def prepare(self) -> None:
        """Before the first question; the schema must be there. Blocks. Raises Refused."""
        if self._prepared:
            return
        try:
            self.connection.execute("; ".join(statements.prepare(self._sql)))
        except psycopg.Error as error:
            self.close()
            raise refusal_of(error) from error
        self._prepared = True

    def send(self, question: Question) -> None:
        """Without waiting for anything. Raises psycopg.OperationalError."""
        if question.name == statements.LISTEN:
            self.pgconn.send_query(self._sql[question.name].encode())
        elif self.pooled:
            self.pgconn.send_query_params(self._sql[question.name].encode(), question.parameters())
        else:
            self.pgconn.send_query_prepared(question.name.encode(), question.parameters())

    @property
    def idle(self) -> bool:
        """Whether no question is under way and no transaction open."""
        return self.pgconn.transaction_status == pq.TransactionStatus.IDLE

    def is_over(self) -> bool:
        """Whether the server has something to say though nobody asked: that is a goodbye."""
        return bool(self._poll.poll(0))

    def wait(self) -> None:
        """Until the server says something. Ctrl-C is heard meanwhile."""
        self._poll.poll()

    def close(self) -> None:
        self.connection.close()


def answer_of(results: list[Any]) -> bytes | None:
    """The one value of the one row. Raises Refused."""
    if not results:
        raise Refused("", "the connection was lost")
    for result in results:
        if result.status in FAILED:
            state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
            raise Refused(state.decode(), result.error_message.decode(errors="replace"))
    answer: bytes | None = results[-1].get_value(0, 0) if results[-1].ntuples else None
    return answer


def _connect(address: Address) -> Connection:
    limits = {name: value for name, value in LIMITS.items() if f"{name}=" not in address.conninfo}
    connection = psycopg.connect(
        address.conninfo,
        autocommit=True,
        prepare_threshold=None,
        client_encoding="utf8",
        **limits,  # type: ignore[arg-type]
    )
    if connection.info.server_version < OLDEST:
        version = connection.info.server_version // 10000
        connection.close()
        raise StoreError(f"{address.shown} is PostgreSQL {version}: queuemgr needs 13 or newer")
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in ("UTF8", None):
        connection.close()
        raise ConfigError(
            f"{address.shown} keeps its texts as {encoding}, which cannot hold every name and result: "
            "take a database that was made with ENCODING 'UTF8'"
        )
    return connection


def _is_pooled(connection: Connection) -> bool:
    """A pooler gives a number of its own for the process that serves the connection."""
    found = connection.execute("SELECT pg_backend_pid()").fetchone()
    return found is not None and found[0] != connection.pgconn.backend_pid
