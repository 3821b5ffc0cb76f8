"""What a program's job class is called in other processes, and where those find it. It imports no class."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeGuard

from queuemgr.errors import ValidationError
from queuemgr.task import name_of

from .base import QueueJobBase
from .classes import Places


def is_job_class(value: object) -> TypeGuard[type[QueueJobBase]]:
    return isinstance(value, type) and issubclass(value, QueueJobBase)


def name_for_others(job_class: object) -> str:
    """The dotted path. Raises ValidationError for what no other process could find, or is no job class."""
    if isinstance(job_class, str):
        return job_class
    if not is_job_class(job_class):
        raise ValidationError("job_class", job_class, f"{job_class!r} is not derived from QueueJobBase")
    if "." in job_class.__qualname__:
        told = f"{job_class.__qualname__} is defined inside a function or a class: move it out of there"
        raise ValidationError("job_class", job_class, told)
    if job_class.__module__ == "__main__" and not getattr(sys.modules["__main__"], "__file__", None):
        told = f"{job_class.__qualname__} was typed in here, where its process cannot find it: import it from a file"
        raise ValidationError("job_class", job_class, told)
    name = name_of(job_class)
    if name.startswith("__main__."):
        told = f"the file of {job_class.__qualname__} has no name to import it by: put the class into a file of its own"
        raise ValidationError("job_class", job_class, told)
    return name


def places_of_program() -> Places:
    """A program's own service may import whatever the program can."""
    main = getattr(sys.modules["__main__"], "__file__", None)
    path = [str(Path(main).absolute().parent)] if main else []
    path += [str(Path(entry or ".").absolute()) for entry in sys.path]
    return Places(allowed=("*",), path=tuple(dict.fromkeys(path)))
