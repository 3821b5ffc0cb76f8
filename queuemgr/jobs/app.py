"""The App of a service's job classes, for the service itself. The processes of jobs have another one (forked.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.app import App

from .classes import JobClasses

if TYPE_CHECKING:
    from .forked import Definition


def job_app(definition: Definition) -> App:
    app = App(definition.url, max_result=definition.max_result, results=definition.kept)
    app.tasks = JobClasses(definition.places, app.client)
    return app
