"""MariaDB, small enough for tests. What a killed server had committed is there after it starts again."""

from __future__ import annotations

import subprocess

from .process import Server, unprivileged
from .programs import needed

SETTINGS = {
    "bind-address": "127.0.0.1",
    "skip-name-resolve": "ON",
    "innodb-buffer-pool-size": "32M",
    "innodb-log-file-size": "8M",
    # The kernel keeps it: a process that is killed loses nothing, and nobody waits for a disk.
    "innodb-flush-log-at-trx-commit": "2",
    "max-connections": "200",
    "character-set-server": "utf8mb4",
}


class Mariadb(Server):
    """Parameters: further settings, for example `innodb_lock_wait_timeout="1"`."""

    def __init__(self, **settings: str) -> None:
        self.user = unprivileged()
        super().__init__()
        self._data = self.folder / "data"
        self._settings = SETTINGS | settings

    @property
    def url(self) -> str:
        return f"mysql://root@127.0.0.1:{self.port}/queuemgr"

    def command(self) -> list[str]:
        places = {"datadir": self._data, "tmpdir": self.folder}
        places |= {"socket": self.folder / "socket", "pid-file": self.folder / "pid"}
        settings = {**places, "port": self.port, **self._settings}
        return [needed("mariadbd"), "--no-defaults", *(f"--{name}={value}" for name, value in settings.items())]

    def start(self) -> None:
        new = not self._data.exists()
        if new:
            options = ("--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=8M")
            places = (f"--datadir={self._data}", f"--tmpdir={self.folder}")
            command = [needed("mariadb-install-db"), "--no-defaults", *places, *options]
            with (self.folder / "log").open("ab") as log:
                making = self.spawn(command, stdout=log, stderr=subprocess.STDOUT)
            assert making.wait() == 0, f"mariadb-install-db failed:\n{self.log()}"
        super().start()
        if new:
            self.do("CREATE DATABASE queuemgr")

    def answers(self) -> bool:
        import pymysql

        try:
            self.do("SELECT 1")
        except pymysql.OperationalError:
            return False
        return True

    def do(self, statement: str) -> None:
        """Carry out a statement as superuser, in no database."""
        import pymysql

        with (
            pymysql.connect(host="127.0.0.1", port=self.port, user="root", connect_timeout=5) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
