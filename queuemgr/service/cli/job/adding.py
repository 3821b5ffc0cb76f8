"""`queuemgr job add`."""

from __future__ import annotations

import json
from typing import Any

import click

from queuemgr.service.cli.asking import Asking, about_service, answered
from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.older import QueueManagerCLI
from queuemgr.service.cli.values import Seconds
from queuemgr.service.failures import Misused


@click.command("add", cls=Verb)
@click.argument("job_class", metavar="[CLASS]", required=False)
@click.argument("job_id", metavar="[ID]", required=False)
@click.argument("params", metavar="[PARAMS]", required=False)
@click.option("--start", is_flag=True, help="And start it.")
@click.option("--timeout", type=Seconds(), metavar="S", help="Stop a run that takes longer.")
@click.option("--memory-limit", type=click.IntRange(1), metavar="BYTES", help="Kill a run that takes more.")
@click.option("--priority", type=click.IntRange(0, 9), metavar="N", help="9 runs first.")
@click.option("--delay", type=Seconds(), metavar="S", help="With --start: not before S seconds have passed.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A tag to find it by (repeatable).")
@about_service
def add(
    asking: Asking, job_class: str | None, job_id: str | None, params: str | None, start: bool, **options: Any
) -> None:
    """Add a job of the job class CLASS under an ID of your choice; PARAMS are a JSON object.

    \b
    queuemgr job add report.ReportJob monday '{"pages": 3}' --start
    """
    from queuemgr.service.cli.views.service import added_page

    asks = job_class is None or job_id is None
    name = answered(job_class, "Enter job class: ", "the job class", asking)
    job_id = answered(job_id, "Enter job ID: ", "the job's id", asking)
    if asks:
        params = answered(params, "Enter job parameters (JSON): ", "PARAMS", asking)
    cli = click.get_current_context().find_object(QueueManagerCLI) or QueueManagerCLI()
    chosen = {option: value for option, value in options.items() if value not in (None, ())}
    given: dict[str, Any] = {"job_class": cli.path_of(name), "job_id": job_id, "params": _params(params)}
    document = asking.call("job.add", start=start, options=chosen, **given)
    asking.output.show(document | {"started": start}, added_page)


def _params(text: str | None) -> dict[str, Any]:
    if text is None or not text.strip():
        return {}
    try:
        params = json.loads(text)
    except ValueError as error:
        raise Misused(f"the parameters are no JSON: {error}", "write for example '{\"pages\": 3}'") from error
    if not isinstance(params, dict):
        raise Misused(f"the parameters are {text}, no JSON object", "write for example '{\"pages\": 3}'")
    return params
