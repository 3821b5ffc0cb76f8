"""The app of a service's job classes, as its processes import it: told by the environment, holding no class itself."""

from __future__ import annotations

import os
from importlib import import_module

import msgspec

from queuemgr.app import App

from .classes import JobClasses, Places

VARIABLE = "QUEUEMGR_JOBS"
PATH = f"{__name__}:app"
PRELOADED = ("queuemgr.proc_api", "queuemgr.async_simple_api")
"""What the files of job classes import: it is here already when a job's process begins, which takes half as long."""


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What the processes of one service have in common: the store's address, and where job classes come from."""

    url: str
    places: Places = Places()

    def publish(self) -> None:
        """Tell it to the processes that this one starts."""
        os.environ[VARIABLE] = msgspec.json.encode(self).decode()


def job_app(definition: Definition) -> App:
    app = App(definition.url)
    app.tasks = JobClasses(definition.places, app.client)
    app.import_path = PATH
    return app


def __getattr__(name: str) -> App:
    if name != "app" or VARIABLE not in os.environ:
        raise AttributeError(f"{__name__} has no {name!r}")
    for module in PRELOADED:
        import_module(module)
    made = globals()["app"] = job_app(msgspec.json.decode(os.environ[VARIABLE], type=Definition))
    return made
