"""The group `queuemgr jobs` and where its verbs are."""

from __future__ import annotations

import click

from queuemgr.service.cli.commands import VerbGroup

VERBS = {
    "list": ("jobs.listing:list_", "The newest jobs, or those that fit."),
    "show": ("jobs.inspecting:show", "All about one job."),
    "arguments": ("jobs.contents:arguments", "The arguments of a job as JSON."),
    "result": ("jobs.contents:result", "The result of a job, page by page."),
    "logs": ("jobs.logs:logs", "What a job printed and logged."),
    "wait": ("jobs.waiting:wait", "Wait until jobs have ended."),
    "retry": ("jobs.changing:retry", "Run jobs again that have ended, or delayed ones now."),
    "rerun": ("jobs.rerunning:rerun", "Enqueue the task of a job again, perhaps with other arguments."),
    "cancel": ("jobs.changing:cancel", "Stop jobs that wait or run."),
    "delete": ("jobs.changing:delete", "Forget jobs with all that belongs to them."),
    "hold": ("jobs.changing:hold", "Keep waiting jobs from running until released."),
    "release": ("jobs.changing:release", "Let held jobs run."),
    "prioritise": ("jobs.prioritising:prioritise", "Give waiting jobs another priority."),
    "complete": ("jobs.completing:complete", "How the last word of a search may go on."),
}


@click.group(cls=VerbGroup, lazy=VERBS)
def jobs() -> None:
    """List, show, wait for, retry, cancel, delete, hold, release and prioritise jobs.

    Wherever an ID is asked for, `last` stands for the newest job.
    """
