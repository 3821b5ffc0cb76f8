"""The app of a service's job classes, as its processes import it: told by the environment.

It decides on no class: which of them are imported ahead is told, too.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from queuemgr.app import App

from .classes import JobClasses, Places

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "QUEUEMGR_JOBS"
PATH = f"{__name__}:app"


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What the processes of one service have in common: the store's address, and where job classes come from.

    Those in `ahead` are imported before the first job's process is forked, which then need not do it.
    """

    url: str
    places: Places = Places()
    ahead: tuple[str, ...] = ()

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
    definition = msgspec.json.decode(os.environ[VARIABLE], type=Definition)
    made = globals()["app"] = job_app(definition)
    classes = made.tasks
    assert isinstance(classes, JobClasses)
    with _unheard():
        for job_class in definition.ahead:
            # It is imported by each of its jobs then, which tell what is wrong with it.
            with suppress(Exception, SystemExit):
                classes.import_ahead(job_class)
    return made


@contextmanager
def _unheard() -> Iterator[None]:
    """What modules print and set up when they are imported concerns no job and nobody's terminal."""
    root, quiet = logging.getLogger(), logging.NullHandler()
    # With a handler there, `logging.basicConfig` does nothing, just as in a job's process.
    root.addHandler(quiet)
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            yield
    finally:
        root.removeHandler(quiet)
