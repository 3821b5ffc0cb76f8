"""The app of a service's job classes as the processes have it in which these run, told by the environment.

It has no store and no client unless somebody asks for them: what a process does not have costs none of its forks. It
decides on no class: which of them are imported ahead is told, too.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from queuemgr.codec import Codec, Types
from queuemgr.executors.processes.later import when_imported
from queuemgr.result import Results

from .classes import JobClasses, Places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from queuemgr.app import App
    from queuemgr.result import Keeper
    from queuemgr.task import Sender

VARIABLE = "QUEUEMGR_JOBS"
PATH = f"{__name__}:app"


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What the processes of one service have in common: the store's address, and where job classes come from.

    Those in `ahead` are imported before the first job's process is forked, which then need not do it. `results` is the
    folder of large results, None where the store alone knows their place. `max_result` is the most bytes of one,
    `keep_results` the seconds after its job's end that it stays, `results_quota` the most bytes of all together.
    """

    url: str
    places: Places = Places()
    ahead: tuple[str, ...] = ()
    results: str | None = None
    max_result: int | None = None
    keep_results: float | None = None
    results_quota: int | None = None

    @property
    def kept(self) -> Results:
        return Results(keep=self.keep_results, quota=self.results_quota)

    def publish(self) -> None:
        """Tell it to the processes that this one starts."""
        os.environ[VARIABLE] = msgspec.json.encode(self).decode()


class ForkedApp:
    """What an App is to those who run its jobs."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self.max_result = definition.max_result
        self.codec = Codec("json", Types())
        sender = _Late(lambda: self._whole.client, codec=self.codec)
        self.tasks = JobClasses(definition.places, cast("Sender", sender))
        self.keeper = cast("Keeper", _Late(self._keeper)) if definition.results else self._whole.keeper

    @cached_property
    def _whole(self) -> App:
        from .app import job_app

        return job_app(self._definition)

    def _keeper(self) -> Keeper:
        from queuemgr.results.files import FilePlace
        from queuemgr.results.keeper import ResultKeeper

        place = FilePlace(cast("str", self._definition.results))
        return ResultKeeper(lambda: place, self.codec, self.max_result, self._definition.kept)


class _Late:
    """In the stead of what is seldom needed: makes it when it is first asked for something that is not `known`."""

    def __init__(self, make: Callable[[], Any], **known: Any) -> None:
        self._make = make
        vars(self).update(known)

    @cached_property
    def _made(self) -> Any:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


def __getattr__(name: str) -> ForkedApp:
    if name != "app" or VARIABLE not in os.environ:
        raise AttributeError(f"{__name__} has no {name!r}")
    definition = msgspec.json.decode(os.environ[VARIABLE], type=Definition)
    made: ForkedApp = ForkedApp(definition)
    globals()["app"] = made
    with _unheard():
        for job_class in definition.ahead:
            # It is imported by each of its jobs then, which tell what is wrong with it.
            with suppress(Exception, SystemExit):
                made.tasks.import_ahead(job_class)
    return made


@contextmanager
def _unheard() -> Iterator[None]:
    """What modules print and set up when they are imported concerns no job and nobody's terminal."""
    with ExitStack() as undo:

        def be_quiet() -> None:
            import logging

            root, quiet = logging.getLogger(), logging.NullHandler()
            # With a handler there, `logging.basicConfig` does nothing, just as in a job's process.
            root.addHandler(quiet)
            undo.callback(root.removeHandler, quiet)

        undo.callback(when_imported("logging", be_quiet))
        nowhere = undo.enter_context(Path(os.devnull).open("w"))
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            yield
