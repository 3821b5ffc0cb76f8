"""Puts the parts together: a URL becomes a store, functions become tasks, and the two make clients and workers.

The only file that names implementations. It decides nothing while jobs run.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from .address import shown_url
from .client import AsyncClient, Client
from .codec import Codec, Types
from .errors import ConfigError, did_you_mean
from .options import Options
from .result import Results
from .schedule import Schedule
from .task import Registry, Task, check_function, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from .clock import Clock
    from .executor import Executor
    from .options import OptionValues
    from .recurrence import Rule
    from .result import Keeper
    from .settings import WorkerSettings, WorkerValues
    from .store import Store
    from .task import Call, Runs
    from .worker import Worker

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")
K = TypeVar("K", bound=type)

REDIS = "queuemgr.stores.redis.store:RedisStore"
POSTGRES = "queuemgr.stores.postgres.store:PostgresStore"
LARAVEL_TABLE = "queuemgr.dialects.laravel.database.store:LaravelTableStore"
STORES = {
    "sqlite": "queuemgr.stores.sqlite.store:SqliteStore",
    "postgresql": POSTGRES,
    "postgres": POSTGRES,
    "laravel+redis": "queuemgr.dialects.laravel.store:LaravelStore",
    "laravel+postgresql": LARAVEL_TABLE,
    "laravel+sqlite": LARAVEL_TABLE,
    "laravel+mysql": LARAVEL_TABLE,
    "laravel+mariadb": LARAVEL_TABLE,
    "redis": REDIS,
    "rediss": REDIS,
    "unix": REDIS,
    "valkey": REDIS,
    "valkeys": REDIS,
    "redis+sentinel": REDIS,
    "rediss+sentinel": REDIS,
    "redis+cluster": REDIS,
    "rediss+cluster": REDIS,
}
EXECUTORS = {
    "async": "queuemgr.executors.aio:AioExecutor",
    "thread": "queuemgr.executors.threads:ThreadExecutor",
    "process": "queuemgr.executors.processes:ProcessExecutor",
}


class Decorator(Protocol):
    """Turns a function, an `async def` function or a class with `run` into a task."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, Coroutine[Any, Any, R], R]: ...

    @overload
    def __call__(self, function: Callable[P, Runs[Coroutine[Any, Any, R]]], /) -> Task[P, Any, R]: ...

    @overload
    def __call__(self, function: Callable[P, Runs[R]], /) -> Task[P, Any, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R, R]: ...


class App:
    """A program's tasks and the store in which their jobs live.

    Parameters: `url` of the store; `format` of arguments and results, "json" or "msgpack"; `max_payload` and
    `max_result` in bytes; `results` says where large results are kept and for how long; further keyword arguments are
    options for every task. Raises ConfigError.
    Nothing is opened before the first verb.
    """

    def __init__(
        self,
        url: str = "sqlite:///queuemgr.db",
        *,
        format: str = "json",  # noqa: A002 - the word that the documentation uses
        max_payload: int = 1024 * 1024,
        max_result: int | None = None,
        results: Results | None = None,
        clock: Clock | None = None,
        **defaults: Unpack[OptionValues],
    ) -> None:
        self.url = url
        self.codec = Codec(format, Types())
        self.max_result = max_result
        self.tasks = Registry()
        self.schedules: list[Schedule] = []
        self.import_path: str | None = None
        self.results = results or Results()
        self.aio = AsyncClient(partial(open_store, url, clock), self.codec, self._learn, self.results)
        self.client = Client(self.aio, max_payload)
        self._defaults = Options().changed(defaults)
        if _scheme(url) == "sqlite":
            # Small, and no extra: so the first job need not wait for it, as it does for a server's client.
            _find(STORES["sqlite"])

    @overload
    def task(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, Coroutine[Any, Any, R], R]: ...

    @overload
    def task(self, function: Callable[P, Runs[Coroutine[Any, Any, R]]], /) -> Task[P, Any, R]: ...

    @overload
    def task(self, function: Callable[P, Runs[R]], /) -> Task[P, Any, R]: ...

    @overload
    def task(self, function: Callable[P, R], /) -> Task[P, R, R]: ...

    @overload
    def task(self, /, *, name: str | None = None, **options: Unpack[OptionValues]) -> Decorator: ...

    def task(self, function: Any = None, /, *, name: str | None = None, **options: Unpack[OptionValues]) -> Any:
        """Make a task of a function or a job class: `@app.task` or `@app.task(queue="mail", attempts=5)`.

        `name` is what the store knows it by; by default `module.function`. Raises ConfigError, UnknownOption.
        """
        chosen = self._defaults.changed(options)

        def register(function: Callable[..., Any]) -> Task[..., Any, Any]:
            check_function(function, name)
            return self.tasks.add(Task(name or name_of(function), function, chosen, self.client))

        return register if function is None else register(function)

    def register_type(self, cls: K) -> K:
        """Let instances of a dataclass, Struct or Enum travel as arguments and results. Annotated ones may already."""
        self.codec.types.register(cls)
        return cls

    def schedule(self, name: str, rule: Rule | str, call: Call[Any], **more: Any) -> Schedule:
        """Declare a schedule in the program; every worker of this app puts it into the store when it starts."""
        schedule = Schedule.of(name, rule, call.job, **more)
        self.schedules.append(schedule)
        return schedule

    def worker(self, queues: Mapping[str, int] | None = None, **settings: Unpack[WorkerValues]) -> Worker:
        """A worker for this app's tasks. `queues` maps names to weights; by default those that its tasks name.

        Further: `concurrency`, `grace` in seconds, `name`, `burst` (stop when nothing is ready), `max_tasks_per_child`
        (after so many jobs a process of the pool is replaced).
        """
        from .settings import WorkerSettings
        from .worker import Worker

        chosen = WorkerSettings.of(queues=queues or self.queues, max_result=self.max_result, **settings)
        executors = self._executors(chosen)
        store = self.aio.store
        return Worker(store, self.tasks, self.codec, executors, chosen, store.clock, self.schedules, keeper=self.keeper)

    def work(self, queues: Mapping[str, int] | None = None, **settings: Unpack[WorkerValues]) -> None:
        """Run a worker in this process until SIGTERM, SIGINT or SIGHUP; the settings are those of `worker`."""
        from .runner import end_now, run

        end_now(run(self.worker(queues, **settings)))

    @property
    def queues(self) -> dict[str, int]:
        return dict.fromkeys([self._defaults.queue, *(task.options.queue for task in self.tasks)], 1)

    @property
    def keeper(self) -> Keeper:
        """What keeps large results for a worker and its processes."""
        from .results.keeper import ResultKeeper

        return ResultKeeper(lambda: self.aio._place, self.codec, self.max_result, self.results)

    @cached_property
    def path(self) -> str:
        """`module:name` under which a process of its own finds this app. Raises ConfigError."""
        if self.import_path is not None:
            return self.import_path
        for task in self.tasks:
            module = sys.modules.get(task.function.__module__)
            for name, value in vars(module).items() if module else ():
                if value is self:
                    return f"{_import_name(task.function)}:{name}"
        raise ConfigError("a process cannot find the app: keep it in a module's variable, beside one of its tasks")

    def close(self) -> None:
        """Release files, threads and connections; the next verb opens them again."""
        self.client.close()

    def _learn(self) -> None:
        for task in self.tasks:
            task.prepare()

    def _executors(self, settings: WorkerSettings) -> dict[str, Callable[[], Executor]]:
        @cache
        def processes() -> Executor:
            options = {"size": settings.concurrency, "max_tasks_per_child": settings.max_tasks_per_child}
            return cast("Executor", _make(EXECUTORS["process"], self.path, **options))

        return {
            "async": lambda: _make(EXECUTORS["async"]),
            "thread": lambda: _make(EXECUTORS["thread"], settings.concurrency),
            "process": processes,
            "pool": processes,
        }


def open_store(url: str, clock: Clock | None = None) -> Store:
    """The store behind a URL; nothing is opened yet. Raises ConfigError."""
    return cast("Store", _make(STORES[_scheme(url)], url, clock))


def load(path: str) -> App:
    """The app at `package.module:variable`, as a worker is told. Raises ConfigError with the reason."""
    module_name, _, variable = path.partition(":")
    if path.startswith("."):
        raise _no_module(path)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise _no_module(path) from error
        raise
    apps = {name: value for name, value in vars(module).items() if isinstance(value, App)}
    if not variable and len(apps) == 1:
        variable = next(iter(apps))
    if variable not in apps:
        raise ConfigError(f"{module_name!r} has no App in a variable {variable!r}: {did_you_mean(variable, apps)}")
    return apps[variable]


def _no_module(path: str) -> ConfigError:
    """A file's name is taken for the module that was meant."""
    name, _, variable = path.partition(":")
    *folders, file = Path(name).parts or ("",)
    words = "write module:variable"
    if file.endswith(".py") and not {"/", ".."}.intersection(folders):
        words = f"did you mean {'.'.join((*folders, file[:-3]))}:{variable or 'app'}?"
    return ConfigError(f"there is no module {name!r} here ({Path.cwd()}): {words}")


def _scheme(url: str) -> str:
    scheme, colon, _ = url.partition("://")
    if not colon:
        meant = "write for example sqlite:///jobs.db" if ":" in url or not url else f"did you mean sqlite:///{url}?"
        raise ConfigError(f"{shown_url(url)!r} is no URL: {meant}")
    if scheme not in STORES:
        place = shown_url(url).partition("?")[0]
        raise ConfigError(f"{place!r} is no store, such as sqlite:///jobs.db: {did_you_mean(scheme, STORES)}")
    return scheme


def _make(path: str, *args: Any, **options: Any) -> Any:
    return _find(path)(*args, **options)


def _find(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def _import_name(function: Callable[..., Any]) -> str:
    return name_of(function).removesuffix(f".{function.__qualname__}")
