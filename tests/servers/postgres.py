"""PostgreSQL and PgBouncer, small enough for tests. fsync stays on: what was committed must survive."""

from __future__ import annotations

import subprocess

from .process import Server, unprivileged
from .programs import needed

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "autovacuum_naptime": "5s",
}


class Postgres(Server):
    """Parameters: further settings, for example `synchronous_commit="off"`."""

    def __init__(self, **settings: str) -> None:
        self.user = unprivileged()
        super().__init__()
        self._data = self.folder / "data"
        self._settings = SETTINGS | {"port": str(self.port)} | settings

    @property
    def url(self) -> str:
        return f"postgresql://queuemgr@127.0.0.1:{self.port}/queuemgr"

    def command(self) -> list[str]:
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        return [needed("postgres"), "-D", str(self._data), *settings]

    def start(self) -> None:
        new = not self._data.exists()
        if new:
            options = ("-U", "queuemgr", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
            making = self.spawn([needed("initdb"), "-D", str(self._data), *options], stdout=subprocess.DEVNULL)
            assert making.wait() == 0, "initdb failed: see above"
        super().start()
        if new:
            self.do("CREATE DATABASE queuemgr")

    def answers(self) -> bool:
        import psycopg

        try:
            self.do("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def do(self, statement: str) -> None:
        """Carry out a statement as superuser, in a database of no other use."""
        import psycopg

        address = f"postgresql://queuemgr@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)


class PgBouncer(Server):
    """In front of a PostgreSQL, giving a connection to each transaction and taking it back after it."""

    def __init__(self, behind: Postgres, size: int = 20) -> None:
        self.user = unprivileged()
        super().__init__()
        lines = (
            "[databases]",
            f"queuemgr = host=127.0.0.1 port={behind.port} user=queuemgr",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {self.port}",
            "unix_socket_dir =",
            "auth_type = any",
            "pool_mode = transaction",
            f"default_pool_size = {size}",
            "max_client_conn = 200",
        )
        (self.folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        return f"postgresql://queuemgr@127.0.0.1:{self.port}/queuemgr"

    def command(self) -> list[str]:
        return [needed("pgbouncer"), str(self.folder / "pgbouncer.ini")]

    def answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True
