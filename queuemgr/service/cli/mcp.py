"""`queuemgr mcp`: the tools for agents, on standard input and output or over HTTP. It decides nothing itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from .commands import Verb
from .exits import OK
from .session import about_store

if TYPE_CHECKING:
    from .session import Session

SCOPES = ("read", "operate", "administer")
LOOPBACK = "127.0.0.1"


class Address(click.ParamType):  # type: ignore[type-arg]  # it takes an argument only in new versions of click
    """`5010`, or `host:5010`."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        host, _, port = str(value).rpartition(":")
        if not port.isdecimal() or int(port) > 65535:
            self.fail(f"{value!r} is no address: write 5010 or 127.0.0.1:5010", param, ctx)
        return host.strip("[]") or LOOPBACK, int(port)


@click.command("mcp", cls=Verb)
@about_store
@click.option(
    "--allow",
    type=click.Choice(SCOPES),
    metavar="SCOPE",
    default="read",
    show_default=True,
    help="The most that an agent may do: read, operate or administer.",
)
@click.option("--http", type=Address(), metavar="[HOST:]PORT", help="Over HTTP at /mcp; 0 takes any port that is free.")
@click.option("--allow-host", "hosts", metavar="NAME", multiple=True, help="A name by which it is asked over HTTP.")
@click.option("--token-file", metavar="FILE", help="The tokens that are let in over HTTP.")
@click.option("--calls", type=click.IntRange(1), default=120, show_default=True, metavar="N", help="Calls a minute.")
@click.option("--changes", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Changes a minute.")
@click.option("--proc-dir", metavar="DIR", help="The folder of the service's socket.")
def mcp(
    session: Session,
    allow: str,
    http: tuple[str, int] | None,
    calls: int,
    changes: int,
    **places: Any,
) -> int:
    """Let agents look at the queue, and with --allow operate change it, by the Model Context Protocol.

    \b
    queuemgr mcp --store sqlite:///shop.db
    queuemgr mcp --store sqlite:///shop.db --allow operate --http 5010
    """
    import asyncio

    from queuemgr.service.agents.opening import AgentConfig, serve_on_http, serve_on_standard
    from queuemgr.service.agents.rates import Rates
    from queuemgr.service.operations.operation import Scope

    rates = Rates(calls, changes)
    config = AgentConfig(place=session.place, most=Scope[allow.upper()], rates=rates, **places)
    if http is None:
        asyncio.run(serve_on_standard(config))
    else:
        asyncio.run(serve_on_http(config, *http, _tell))
    return OK


def _tell(url: str) -> None:
    click.echo(f"agents are answered at {url}  (Ctrl-C ends it)")
    sys.stdout.flush()
