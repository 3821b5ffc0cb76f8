"""`queuemgr web`: the page and the API on an address of this machine. It runs no jobs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from .commands import Verb
from .mcp import SCOPES
from .session import about_store

if TYPE_CHECKING:
    from pathlib import Path

    from .session import Session


@click.command("web", cls=Verb)
@about_store
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Other addresses than this machine's own need a token."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=5000,
    metavar="N",
    show_default=True,
    help="0 takes any that is free.",
)
@click.option("--allow-host", "hosts", metavar="NAME", multiple=True, help="A name by which it is asked (repeatable).")
@click.option("--token-file", metavar="FILE", help="Where the tokens are (queuemgr token).")
@click.option("--always-token", is_flag=True, help="Ask for a token on this machine, too.")
@click.option("--read-only", is_flag=True, help="Show everything, change nothing.")
@click.option("--proc-dir", metavar="DIR", help="The folder of the service's socket.")
@click.option(
    "--mcp",
    type=click.Choice(SCOPES),
    metavar="[SCOPE]",
    is_flag=False,
    flag_value="read",
    help="Answer agents at /mcp, which get at most this scope (read if none is given).",
)
@click.option("--debug", is_flag=True, help="Log every request.")
@click.option("--no-open", is_flag=True, help="Open no browser.")
def web(session: Session, *, no_open: bool, **settings: Any) -> None:
    """Serve the page and the API on http://127.0.0.1:5000 until Ctrl-C."""
    from queuemgr.service.access.hosts import ANY
    from queuemgr.service.web.config import WebConfig
    from queuemgr.service.web.serving import serve

    config = WebConfig(place=session.place, **settings)
    new = _new_file(session.place.url)

    def tell(url: str) -> None:
        import json

        if session.as_json:
            click.echo(json.dumps({"url": url}))
        else:
            click.echo(f"the page is at {url}  (Ctrl-C ends it)")
        sys.stdout.flush()
        if config.host in ANY and not config.hosts:
            click.echo("it answers to this machine's own names alone: --allow-host NAME adds one for others", err=True)
        if new is not None:
            click.echo(f"made a new, empty store at {new}: look at the path if it should have jobs", err=True)
        if not no_open and _has_display():
            click.launch(url)

    serve(config, tell)


def _new_file(url: str | None) -> Path | None:
    """The file of the store where there is none yet. An app's own is not looked for: importing it may take long."""
    from queuemgr.app import open_store

    path: Path | None = getattr(open_store(url), "path", None) if url is not None else None
    return path if path is not None and not (path.exists() and path.stat().st_size) else None


def _has_display() -> bool:
    return sys.stdout.isatty() and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
