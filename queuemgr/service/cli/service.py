"""`queuemgr service` and its verbs. The daemon itself is next door (service/daemon)."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from queuemgr.service.failures import NotAllowed

from .asking import Asking, about_service
from .commands import Verb, VerbGroup
from .exits import NO_STORE, OK


@click.group(cls=VerbGroup)
def service() -> None:
    """Start, stop and look at the service."""


@service.command(cls=Verb)
@about_service
def start(asking: Asking) -> int:
    """Start the service in the background and say how it is."""
    from .driving import start_daemon

    start_daemon(asking)
    return _show(asking)


@service.command(cls=Verb)
@about_service
def stop(asking: Asking) -> int:
    """Stop the service: running jobs get their time, waiting ones stay."""
    from .driving import stop_daemon
    from .views.service import service_page

    pid = stop_daemon(asking)
    asking.output.show({"status": "stopped", "pid": pid}, service_page)
    return OK


@service.command(cls=Verb)
@about_service
def restart(asking: Asking) -> int:
    """Stop it and start it again."""
    from .driving import start_daemon, stop_daemon

    stop_daemon(asking)
    start_daemon(asking)
    return _show(asking)


@service.command(cls=Verb)
@about_service
def status(asking: Asking) -> int:
    """Whether it runs, and how many jobs it has. Exit code 5 if it does not run."""
    return _show(asking)


@service.command(cls=Verb)
@about_service
def reload(asking: Asking) -> None:
    """Let jobs that begin from now on run with the code as it is now. What runs goes on with the old one."""
    from .page import Page, Say

    told = "jobs that begin from now on run with the code as it is now"
    asking.output.show(asking.call("service.reload"), lambda _: Page([Say(told)]))


@service.command(cls=Verb)
@about_service
def config(asking: Asking) -> None:
    """Every setting with its value and where that comes from."""
    from queuemgr.service.daemon.configuration import settings_of
    from queuemgr.service.observe.config import without_secrets

    from .views.service import settings_page

    values = asking.values()
    settings_of(values)
    told = {name: {"value": msgspec.to_builtins(one.value), "origin": one.origin} for name, one in values.items()}
    told["notify"]["value"] = without_secrets(told["notify"]["value"])
    asking.output.show(told, settings_page)


@service.command("import", cls=Verb)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@about_service
def import_(asking: Asking, file: Path) -> None:
    """Take over the jobs in FILE, the registry of an older version. The service must run.

    They keep their ids, states, times and results. Ids that are known are left alone, so that it may be done twice.
    """
    from .importing import imported
    from .views.service import imported_page

    asking.output.show(imported(asking, file), imported_page)


def _show(asking: Asking) -> int:
    from queuemgr.errors import ServiceNotRunning

    from .views.service import service_page

    try:
        document = asking.call("service.status")
    except ServiceNotRunning as error:
        if isinstance(error.__cause__, PermissionError):
            hint = "ask as its user: sudo -u queuemgr queuemgr-cli service status"
            raise NotAllowed(str(error), hint) from error
        asking.output.show({"status": "stopped"}, service_page)
        return NO_STORE
    asking.output.show(document, service_page)
    return OK
