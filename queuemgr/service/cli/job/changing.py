"""`queuemgr job start`, `stop`, `restart`, `delete`, `purge`, `suspend` and `resume`."""

from __future__ import annotations

from typing import Any

import click

from queuemgr.service.cli import session
from queuemgr.service.cli.asking import Asking, about_service, answered
from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.values import Seconds

WAITING = frozenset({"stop", "restart", "delete"})


def _change(asking: Asking, verb: str, job_id: str | None, **arguments: Any) -> None:
    from queuemgr.service.cli.views.service import changed_page

    job_id = answered(job_id, "Enter job ID: ", "the job's id", asking)
    document = asking.call(f"job.{verb}", waits=verb in WAITING, job_id=job_id, **arguments)
    asking.output.show(document, lambda changed: changed_page(verb, changed))


def _verb(name: str, help_: str) -> click.Command:
    @click.command(name, cls=Verb, help=help_)
    @click.argument("job_id", metavar="[ID]", required=False)
    @about_service
    def verb(asking: Asking, job_id: str | None) -> None:
        _change(asking, name, job_id)

    return verb


@click.command("stop", cls=Verb)
@click.argument("job_id", metavar="[ID]", required=False)
@click.option("--notice", type=Seconds(), metavar="S", help="It may end by itself for so long.")
@click.option("--grace", type=Seconds(), metavar="S", help="Then it is interrupted, and killed so much later.")
@about_service
def stop(asking: Asking, job_id: str | None, notice: float | None, grace: float | None) -> None:
    """Stop a job, gently first, and say how it is then."""
    _change(asking, "stop", job_id, notice=notice, grace=grace)


@click.command("delete", cls=Verb)
@click.argument("job_id", metavar="[ID]", required=False)
@click.option("-f", "--force", is_flag=True, help="Kill it at once if it runs.")
@about_service
def delete(asking: Asking, job_id: str | None, force: bool) -> None:
    """Stop a job and forget what it did. Its id stays taken until it is purged."""
    asked = job_id is None and not asking.as_json and session.somebody_can_answer()
    job_id = answered(job_id, "Enter job ID: ", "the job's id", asking)
    if asked and not force:
        said = click.prompt("Force delete? (y/N): ", default="", show_default=False, prompt_suffix="", err=True)
        force = said.strip().lower() in ("y", "yes")
    _change(asking, "delete", job_id, force=force)


start = _verb("start", "Let a job run that was added, as soon as there is room.")
restart = _verb("restart", "Run a job again from the start; a running one is stopped first.")
purge = _verb("purge", "Forget a job altogether, so that its id is free.")
suspend = _verb("suspend", "Halt the processes of a running job until it is resumed.")
resume = _verb("resume", "Let a suspended job go on.")
