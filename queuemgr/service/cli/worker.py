"""`queuemgr worker`: says what it is about to do, then hands over to the supervisor."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from queuemgr.service.failures import Misused
from queuemgr.service.places import APP_VARIABLE, Place

from .commands import Verb
from .exits import FAILED, OK, USAGE
from .values import Seconds

if TYPE_CHECKING:
    from .showing import Document

LEVELS = ("debug", "info", "warning", "error")


class Queue(click.ParamType):  # type: ignore[type-arg]  # it takes an argument only in new versions of click
    """`name`, or `name=weight`."""

    name = "queue"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        name, equals, weight = str(value).rpartition("=")
        if not equals:
            return str(value), 1
        if not name or not weight.isdecimal() or int(weight) < 1:
            self.fail(f"{value!r} is no queue: write name or name=weight, a weight is 1 or more", param, ctx)
        return name, int(weight)


@click.command("worker", cls=Verb)
@click.argument("app", metavar="[APP]", required=False)
@click.option(
    "-p",
    "--processes",
    type=click.IntRange(1, 512),
    default=1,
    metavar="N",
    show_default=True,
    help="Worker processes.",
)
@click.option(
    "-c",
    "--concurrency",
    type=click.IntRange(1, 10_000),
    default=16,
    metavar="N",
    show_default=True,
    help="Jobs at once in each.",
)
@click.option(
    "-q", "--queue", "queues", type=Queue(), multiple=True, metavar="NAME[=WEIGHT]", help="Only these (repeatable)."
)
@click.option(
    "--grace", type=Seconds(), default="30", metavar="S", show_default=True, help="Time to end for jobs at a stop."
)
@click.option("--burst", is_flag=True, help="Stop when nothing is ready any more.")
@click.option("--name", default="", metavar="NAME", help="A name to know it by in lists.")
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    metavar="LEVEL",
    default="info",
    show_default=True,
    help="debug, info, warning or error.",
)
@click.option("--json", "as_json", is_flag=True, help="The start as JSON, and the log as a line of JSON each.")
@click.pass_context
def worker(ctx: click.Context, /, app: str | None, as_json: bool, log_level: str, **how: Any) -> int:
    """Run the jobs of APP, for example shop.jobs:app (if not given: $QUEUEMGR_APP), until stopped.

    Ctrl-C or SIGTERM stops it: running jobs may end within the grace time; once more stops them at once.
    """
    path = app or ctx.find_root().params.get("app") or os.environ.get(APP_VARIABLE)
    if not path:
        raise Misused(
            "it is not known whose jobs to run", f"name the app, queuemgr worker MODULE:APP, or set {APP_VARIABLE}"
        )
    from queuemgr.manager.supervisor import supervise

    from .logs import log_to_stderr
    from .showing import Output
    from .starting import described
    from .views.start import start_page

    log_to_stderr(log_level, as_json=as_json)
    processes, queues = how.pop("processes"), dict(how.pop("queues"))
    facts = {**described(path, queues), "processes": processes, "pid": os.getpid(), **how}
    _announce(Output(as_json=as_json, place=Place(app=path)), facts, start_page)
    return _exit_code(supervise(path, processes, queues=queues or None, **how))


def _announce(output: Any, facts: Document, page_of: Any) -> None:
    if output.as_json:
        output.line(facts)
    else:
        output.draw(page_of(facts))
    sys.stdout.flush()


def _exit_code(code: int) -> int:
    from queuemgr.manager.supervisor import BAD_START

    return OK if code == 0 else USAGE if code == BAD_START else FAILED
