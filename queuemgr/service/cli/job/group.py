"""The group `queuemgr job` and where its verbs are."""

from __future__ import annotations

import click

from queuemgr.service.cli.commands import VerbGroup

VERBS = {
    "list": ("job.looking:list_", "The newest jobs of the service."),
    "add": ("job.adding:add", "Add a job of a job class."),
    "start": ("job.changing:start", "Let a job run that was added."),
    "stop": ("job.changing:stop", "Stop a job, gently first."),
    "restart": ("job.changing:restart", "Run a job again from the start."),
    "delete": ("job.changing:delete", "Stop a job and forget what it did; its id stays taken."),
    "purge": ("job.changing:purge", "Forget a job altogether."),
    "status": ("job.status:status", "How a job is, and its result."),
    "wait": ("job.looking:wait", "Wait until a job has ended."),
    "logs": ("job.looking:logs", "What a job printed and logged."),
    "suspend": ("job.changing:suspend", "Halt the processes of a running job."),
    "resume": ("job.changing:resume", "Let a suspended job go on."),
    "inspect": ("job.looking:inspect", "Processor, memory, files and stack of a running job."),
    "classes": ("job.looking:classes", "The job classes that have a name."),
}


@click.group(cls=VerbGroup, lazy=VERBS)
def job() -> None:
    """The jobs of the service: add, start, stop, look at them.

    What is not given is asked for in a terminal. `queuemgr jobs` is for the jobs of any store.
    """
