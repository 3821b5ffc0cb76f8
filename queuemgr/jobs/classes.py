"""Finds job classes by name: registered ones, those in folders of jobs, and those at an allowed dotted path.

Nothing is imported before a job runs, and then only in the job's own process.
"""

from __future__ import annotations

import ast
import importlib
import sys
from contextvars import ContextVar
from fnmatch import fnmatchcase
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.context import current_job
from queuemgr.errors import UnknownTask, did_you_mean
from queuemgr.executors.processes.procinfo import footprint
from queuemgr.options import Options
from queuemgr.task import Registry, Task

from .base import QueueJobBase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuemgr.task import Sender

loading: ContextVar[str | None] = ContextVar("queuemgr_loading", default=None)
"""The job class whose module is being imported for its job."""

OPTIONS = Options().changed({"executor": "process", "attempts": 1})


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where job classes may come from.

    `registered` maps short names to dotted paths; each Python file in `folders` is a module; `allowed` are patterns
    ("shop.jobs.*") of dotted paths that may be imported; `path` is where modules are looked for beside Python's own.
    """

    registered: dict[str, str] = {}
    folders: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ("queuemgr.examples.*", "queuemgr.jobs.*")
    path: tuple[str, ...] = ()

    def allow(self, path: str) -> bool:
        """Whether the class at this dotted path may be imported."""
        module = path.rpartition(".")[0]
        at_home = "." not in module and any(Path(folder, f"{module}.py").is_file() for folder in self.folders)
        named = path in self.registered.values()
        return at_home or named or any(fnmatchcase(path, pattern) for pattern in self.allowed)


class JobClasses(Registry):
    """The tasks of a service: every job class that may run, under its dotted path."""

    fit = False
    """Whether the last class was imported here and left nothing but modules: no thread and no open file."""

    def __init__(self, places: Places, sender: Sender) -> None:
        super().__init__()
        self.places = places
        self._sender = sender
        self._ahead: dict[str, type[QueueJobBase]] = {}

    def import_ahead(self, name: str) -> None:
        """Have the class ready for whoever is forked. Raises as `find_class`."""
        self._ahead[name] = find_class(name, self.places)
        self.get(name)

    def get(self, name: str) -> Task[..., Any, Any]:
        """The class's task. Whether the class is there is seen when it runs; `check` looks before."""
        task = self._tasks.get(name)
        return task or self.add(Task(name, self._runner(name), OPTIONS, self._sender))

    def check(self, name: str) -> str:
        """The dotted path of a class by its short name or path, without importing it. Raises UnknownTask."""
        path = self.places.registered.get(name, name)
        if not self.places.allow(path):
            near = self._nearest(path)
            raise UnknownTask(f"no job class {path!r} may run here (put its file into a folder of jobs): {near}")
        module, _, class_name = path.rpartition(".")
        source = _source_of(module, self._search_path)
        if source is None:
            raise UnknownTask(f"no module {module!r} is found for the job class {name!r}: {self._nearest(name)}")
        names = _names_in(source)
        if names is not None and class_name.partition(".")[0] not in names:
            near = did_you_mean(class_name, _job_classes_in(source))
            raise UnknownTask(f"{source} has no class {class_name!r}: {near}")
        return path

    def load(self, name: str) -> type[QueueJobBase]:
        """As `find_class`, and see how that went."""
        if (known := self._ahead.get(name)) is not None:
            return known
        module = self.places.registered.get(name, name).rpartition(".")[0]
        if module in sys.modules:
            return find_class(name, self.places)
        before = footprint()
        found = find_class(name, self.places)
        self.fit = footprint() == before
        return found

    def _runner(self, name: str) -> Any:
        def run(job_id: str | None = None, params: dict[str, Any] | None = None) -> Any:
            # A schedule names no id: each of its jobs has its own.
            job = self.load(name)(job_id or current_job().id, params or {})
            if "_context" not in vars(job):
                raise TypeError(f"the constructor of {name} does not call super().__init__(job_id, params)")
            return job.run()

        return run

    def known(self) -> list[str]:
        """The names that can be used: registered ones, and the classes in the folders of jobs."""
        return sorted({*self.places.registered, *self._in_folders()})

    @property
    def _search_path(self) -> list[str]:
        return [*self.places.folders, *self.places.path, *sys.path]

    def _nearest(self, name: str) -> str:
        return did_you_mean(name, self.known())

    def _in_folders(self) -> Iterator[str]:
        for folder in self.places.folders:
            for file in sorted(Path(folder).glob("*.py")):
                yield from (f"{file.stem}.{name}" for name in _job_classes_in(file))


def find_class(name: str, places: Places) -> type[QueueJobBase]:
    """Import the class. Raises UnknownTask where it is not what it should be, and whatever its module raises."""
    for place in (*places.folders, *places.path):
        if place not in sys.path:
            sys.path.append(place)
    path = places.registered.get(name, name)
    # Whoever can write into the store has named it: what it may import is decided here.
    if not places.allow(path):
        raise UnknownTask(f"no job class {path!r} may run here: name it in the service's configuration")
    module_name, _, class_name = path.rpartition(".")
    before = loading.set(name)
    try:
        found = getattr(importlib.import_module(module_name), class_name, None)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise UnknownTask(f"the job class {name!r} cannot be imported: {error}") from error
        raise
    finally:
        loading.reset(before)
    if not (isinstance(found, type) and issubclass(found, QueueJobBase)):
        raise UnknownTask(f"{name!r} is no job class: derive it from queuemgr.jobs.base.QueueJobBase")
    return found


def _source_of(module: str, path: Sequence[str]) -> Path | None:
    """The file of a module, found without importing its packages."""
    places: Sequence[str] | None = path
    spec = None
    for part in module.split("."):
        # By its own name alone: a package without __init__.py would look for its parent among the imported modules.
        spec = PathFinder.find_spec(part, places) if places is not None else None
        if spec is None:
            return None
        places = getattr(spec.submodule_search_locations, "_path", spec.submodule_search_locations)
    return Path(spec.origin) if spec is not None and spec.origin else None


def _tree_of(source: Path) -> ast.Module | None:
    try:
        return ast.parse(source.read_bytes()) if source.suffix == ".py" else None
    except (OSError, SyntaxError, ValueError):
        return None


def _names_in(source: Path) -> set[str] | None:
    """Every name that its top level may define; None where that cannot be told."""
    tree = _tree_of(source)
    if tree is None:
        return None
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.alias(name="*"):
                return None
            case ast.alias(name=name, asname=alias):
                names.add(alias or name)
    return names


def _job_classes_in(file: Path) -> Iterator[str]:
    tree = _tree_of(file)
    for node in tree.body if tree else ():
        if isinstance(node, ast.ClassDef) and node.bases and not node.name.startswith("_"):
            yield node.name
