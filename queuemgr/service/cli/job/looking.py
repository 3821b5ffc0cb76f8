"""`queuemgr job list`, `wait`, `logs`, `inspect` and `classes`."""

from __future__ import annotations

import click

from queuemgr.service.cli.asking import Asking, about_service, answered
from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.exits import FAILED, OK, TIMED_OUT
from queuemgr.service.cli.values import Seconds

STREAMS = ("stdout", "stderr", "log")


@click.command("list", cls=Verb)
@click.option("--status", "status_filter", metavar="STATUS", help="Only those that are PENDING, RUNNING and so on.")
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, metavar="N", help="Most.")
@click.option("--after", metavar="POSITION", help='The page that follows: "after" of the page before.')
@about_service
def list_(asking: Asking, status_filter: str | None, limit: int, after: str | None) -> None:
    """The newest jobs of the service; large results only by their size."""
    from queuemgr.service.cli.views.service import list_page

    document = asking.call("job.list", status_filter=status_filter, limit=limit, after=after)
    asking.output.show(document, lambda found: list_page(found, status_filter))


@click.command("wait", cls=Verb)
@click.argument("job_id", metavar="[ID]", required=False)
@click.option("--timeout", type=Seconds(), metavar="S", help="Give up after so many seconds (exit code 124).")
@about_service
def wait(asking: Asking, job_id: str | None, timeout: float | None) -> int:
    """Wait until a job has ended. Exit code 1 if it was not COMPLETED."""
    from queuemgr.service.cli.views.service import record_page

    from .status import INLINE

    job_id = answered(job_id, "Enter job ID: ", "the job's id", asking)
    document = asking.call("job.wait", waits=True, job_id=job_id, timeout=timeout, whole=INLINE)
    asking.output.show(document, record_page)
    if document["status"] in ("PENDING", "RUNNING"):
        return TIMED_OUT
    return OK if document["status"] == "COMPLETED" else FAILED


@click.command("logs", cls=Verb)
@click.argument("job_id", metavar="[ID]", required=False)
@click.option("--stream", type=click.Choice(STREAMS), help="Only this one.")
@about_service
def logs(asking: Asking, job_id: str | None, stream: str | None) -> None:
    """What a job printed and logged: first stdout, then stderr, then its log."""
    from queuemgr.service.words import harmless

    job_id = answered(job_id, "Enter job ID: ", "the job's id", asking)
    document = asking.call("job.logs", job_id=job_id)
    chosen = {name: document[name] for name in STREAMS if stream in (None, name)}
    if asking.as_json:
        asking.output.write_json(chosen)
        return
    for line in (line for lines in chosen.values() for line in lines):
        asking.output.write(f"{harmless(line) if asking.output.for_people else line}\n")


@click.command("inspect", cls=Verb)
@click.argument("job_id", metavar="[ID]", required=False)
@about_service
def inspect(asking: Asking, job_id: str | None) -> None:
    """The processes of a running job with processor, memory and open files, and what it does at this moment."""
    from queuemgr.service.cli.views.service import inspect_page

    job_id = answered(job_id, "Enter job ID: ", "the job's id", asking)
    asking.output.show(asking.call("job.inspect", job_id=job_id), inspect_page)


@click.command("classes", cls=Verb)
@about_service
def classes(asking: Asking) -> None:
    """The job classes that have a name: registered ones, and those in the folders of jobs."""
    from queuemgr.service.cli.views.service import classes_page

    asking.output.show(asking.call("job.classes"), classes_page)
