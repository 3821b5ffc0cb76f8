"""`queuemgr version`."""

from __future__ import annotations

import click

from queuemgr import __version__

from .commands import Verb


@click.command("version", cls=Verb)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def version(as_json: bool) -> None:
    """Print the version of queuemgr, and with --json those of Python and SQLite."""
    if not as_json:
        click.echo(f"queuemgr {__version__}")
        return
    import platform
    import sqlite3

    from .showing import Output

    known = {"queuemgr": __version__, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    Output(as_json=True).write_json(known)
