"""The command line as a class, whose subclasses say what job classes are called. It knows no verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence


class QueueManagerCLI:
    """`QueueManagerCLI().run()` is the command `queuemgr`. Derive from it to give job classes names of your own."""

    def _import_job_class(self, job_class_name: str) -> Any:
        """The class of this name; None leaves it to the service to find it."""
        del job_class_name

    def path_of(self, job_class_name: str) -> str:
        """What the service knows the class as. Raises ValidationError where it is none."""
        found = self._import_job_class(job_class_name)
        if found is None:
            return job_class_name
        from queuemgr.jobs.naming import name_for_others

        return name_for_others(found)

    def run(self, words: Sequence[str] | None = None) -> NoReturn:
        """Do what the words (by default those of the command line) say, and end the program with the exit code."""
        from .main import main

        main.main(words, obj=self)
