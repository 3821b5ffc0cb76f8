"""`queuemgr demo`: hands over to the demo."""

from __future__ import annotations

import click

from .commands import Verb


@click.command("demo", cls=Verb)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(exists=True, file_okay=False))
@click.option("--store", metavar="URL", help="A store to keep it in (if not given, a new file in a temporary folder).")
@click.option(
    "-p", "--processes", type=click.IntRange(1, 64), default=2, metavar="N", show_default=True, help="Worker processes."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many files.")
@click.option("--seconds", type=float, default=2.5, show_default=True, metavar="S", help="For each large file.")
@click.option("--kill", is_flag=True, help="Kill a worker once more than usual.")
@click.option("--no-web", is_flag=True, help="Without the page in a browser.")
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
def demo(
    folder: str | None,
    *,
    store: str | None,
    processes: int,
    limit: int | None,
    seconds: float,
    kill: bool,
    no_web: bool,
    as_json: bool,
) -> int:
    """Read every file below DIR in a job of its own, kill a worker meanwhile, and check that nothing was lost.

    If DIR is not given, Python's own library is read. The page shows it meanwhile, at the address that is told.
    """
    from queuemgr.demo.main import run

    web = not (no_web or as_json)
    return run(folder, store=store, json=as_json, processes=processes, limit=limit, kill=kill, seconds=seconds, web=web)
