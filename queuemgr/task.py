"""Named functions and job classes with their options, and the registry that finds them. It sends nothing itself."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, Unpack, overload

import msgspec

from .arguments import Checker
from .batch import Batch
from .errors import BadArguments, ConfigError, EncodingError, UnknownTask, did_you_mean
from .job import Job, Unique, new_id, new_ids
from .kinds import is_key
from .options import Options, OptionValues, Policy, module_of, overrides_of, policy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .clock import Clock
    from .codec import Codec
    from .handle import AsyncHandle, Handle

P = ParamSpec("P")
C = TypeVar("C")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Runs(Protocol[R_co]):
    """What a job class must have: it is made with the job's arguments, then run."""

    def run(self) -> R_co: ...


class Call(msgspec.Struct, Generic[R_co], frozen=True):
    """A job that is ready to be enqueued, and the type of its result for the reader and the type checker."""

    job: Job


class Calls(Sequence[Call[R]]):
    """Calls of one task that were made together."""

    __slots__ = ("jobs",)

    def __init__(self, jobs: Batch) -> None:
        self.jobs = jobs

    def __len__(self) -> int:
        return len(self.jobs)

    @overload
    def __getitem__(self, index: int) -> Call[R]: ...
    @overload
    def __getitem__(self, index: slice) -> Calls[R]: ...
    def __getitem__(self, index: int | slice) -> Call[R] | Calls[R]:
        return Calls(self.jobs[index]) if isinstance(index, slice) else Call(self.jobs[index])


def jobs_of(calls: Iterable[Call[Any]]) -> Sequence[Job]:
    return calls.jobs if isinstance(calls, Calls) else [call.job for call in calls]


class Sender(Protocol):
    """What a task needs to enqueue itself; the App gives it."""

    codec: Codec
    max_payload: int

    @property
    def clock(self) -> Clock: ...

    def send(self, call: Call[R]) -> Handle[R]: ...

    async def asend(self, call: Call[R]) -> AsyncHandle[R]: ...


class Task(Generic[P, C, R]):
    """A function (or a class with `run`) that can be called here or run by a worker.

    `P` are its parameters, `C` is what a direct call returns, `R` what its job results in.
    """

    def __init__(
        self,
        name: str,
        function: Callable[P, C],
        options: Options,
        sender: Sender,
        base: Options | None = None,
    ) -> None:
        self.name = name
        self.function = function
        self.options = options
        self._base = base or options
        self._sender = sender
        self._checker: Checker | None = None
        self._overrides = overrides_of(options, self._base) if base else None
        self._policy = policy_of(self._base, self.kind)
        # So that help(), inspect.signature() and doctest see the function.
        update_wrapper(self, function, updated=())

    def __repr__(self) -> str:
        return f"<task {self.name}>"

    @property
    def is_class(self) -> bool:
        return isinstance(self.function, type)

    @property
    def is_async(self) -> bool:
        code = getattr(self.function, "run", None) if self.is_class else self.function
        return inspect.iscoroutinefunction(code)

    @property
    def kind(self) -> str:
        """The executor that fits it where none was chosen."""
        return "async" if self.is_async else "thread"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> C:
        """Call it here and now, as if it were no task."""
        return self.function(*args, **kwargs)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call it as a worker does: a job class is made and then run. Returns an awaitable where it is asynchronous."""
        made: Any = self.function(*args, **kwargs)
        return made.run() if self.is_class else made

    def using(self, **options: Unpack[OptionValues]) -> Task[P, C, R]:
        """The same task with other options for the calls made through it. Raises ConfigError."""
        changed = self.options.changed(options)
        return Task(self.name, self.function, changed, self._sender, self._base)

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """A checked job, not enqueued yet. Raises BadArguments, EncodingError."""
        return Call(self._job(args, kwargs))

    def calls(self, arguments: Iterable[tuple[Any, ...]]) -> Sequence[Call[R]]:
        """A call for each tuple of positional arguments, for `enqueue_many`: much cheaper than `call` one by one.

        Raises BadArguments, EncodingError.
        """
        rows = list(arguments)
        if self.options.unique:
            return [Call(self._job(args, {})) for args in rows]
        (self._checker or self.prepare()).check_many(rows)
        data = self._sender.codec.encode_calls(rows)
        self._refuse_larger(max(map(len, data), default=0))
        orders, ids = new_ids(len(rows))
        like = self._made("", b"")
        return Calls(Batch(like, orders, ids, [like.created_at] * len(rows), data))

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Enqueue it and return a handle of its job. Raises BadArguments, EncodingError, JobExists, StoreError."""
        return self._sender.send(Call(self._job(args, kwargs)))

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> AsyncHandle[R]:
        """`enqueue` for asynchronous callers."""
        return await self._sender.asend(Call(self._job(args, kwargs)))

    def policy(self, overrides: dict[str, Any] | None) -> Policy:
        """What a run follows; `overrides` are what its call asked for."""
        return self._policy if not overrides else policy_of(self._base, self.kind, overrides)

    def prepare(self) -> Checker:
        """Look at the signature and its types once; done by the first call and by a worker's start."""
        if self._checker is None:
            self._sender.codec.types.register_annotations(self.function)
            self._checker = Checker(self.name, self.function)
        return self._checker

    def _job(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Job:
        (self._checker or self.prepare()).check(args, kwargs)
        data = self._sender.codec.encode_call(args, kwargs)
        self._refuse_larger(len(data))
        unique = self.options.unique
        return self._made(new_id(), data, _unique(self.name, self.options, args, kwargs, data) if unique else None)

    def _refuse_larger(self, size: int) -> None:
        if size > (most := self._sender.max_payload):
            raise EncodingError(
                f"the arguments of {self.name} take {size:,} bytes and the limit is {most:,}: "
                "pass a path or an id instead of the data, or raise max_payload in the App"
            )

    def _made(self, job_id: str, data: bytes, unique: Unique | None = None) -> Job:
        options = self.options
        return Job(
            id=job_id,
            task=self.name,
            args=data,
            queue=options.queue,
            priority=options.priority,
            run_at=options.at,
            delay=options.delay,
            created_at=self._sender.clock.now(),
            keep=options.keep,
            at_most_once=options.at_most_once,
            held=options.held,
            crash_budget=options.crash_budget,
            unique=unique,
            tags=options.tags,
            options=self._overrides,
        )


class Registry:
    """The tasks that this program knows, by name."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task[..., Any, Any]] = {}

    def add(self, task: Task[P, C, R]) -> Task[P, C, R]:
        """A function that is defined anew takes its own place. Raises ConfigError where another one has the name."""
        known = self._tasks.get(task.name)
        if known is not None and not _is_same(known.function, task.function):
            raise ConfigError(
                f"two functions would be the task {task.name!r}: {_where(known.function)} and {_where(task.function)}; "
                "give one of them another name: @app.task(name=...)"
            )
        self._tasks[task.name] = task
        return task

    def get(self, name: str) -> Task[..., Any, Any] | None:
        return self._tasks.get(name)

    def __getitem__(self, name: str) -> Task[..., Any, Any]:
        try:
            return self._tasks[name]
        except KeyError:
            raise UnknownTask(f"no task is named {name!r}: {did_you_mean(name, self._tasks)}") from None

    def __iter__(self) -> Iterator[Task[..., Any, Any]]:
        return iter(self._tasks.values())

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._tasks)


def check_function(function: Any, name: str | None = None) -> None:
    """Raises ConfigError for what no worker could run as a task, and for what has no name and was given none."""
    if isinstance(function, Task) or not callable(function):
        what = "a task already" if isinstance(function, Task) else "neither a function nor a class"
        raise ConfigError(f"{function!r:.80} is {what}: write @app.task, or @app.task(name=...), above a function")
    if name is None and not hasattr(function, "__qualname__"):
        raise ConfigError(f"{function!r:.80} has no name: app.task(name='module.name')(...) gives it one")
    code = getattr(function, "run", None) if isinstance(function, type) else function
    if not callable(code):
        raise ConfigError(f"{_where(function)} has no method `run`, which a worker calls: define it")
    if inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code):
        raise ConfigError(
            f"{_where(function)} is a generator, whose code would never run: return a list, "
            "or write the result piece by piece with current_job().result_writer()"
        )


def _is_same(known: Any, other: Any) -> bool:
    place = _where(known)
    return known is other or (place == _where(other) and not place.endswith("<lambda>"))


def _where(function: Any) -> str:
    return f"{module_of(function)}.{getattr(function, '__qualname__', function)}"


def name_of(function: Callable[..., Any]) -> str:
    """`module.qualname`; a script that is run directly is known by its file, as a worker will import it."""
    return f"{module_of(function)}.{function.__qualname__}"


def _unique(name: str, options: Options, args: tuple[Any, ...], kwargs: dict[str, Any], data: bytes) -> Unique:
    match options.unique:
        case str(key):
            text = key
        case True | False:
            import hashlib

            text = f"{name}:{hashlib.blake2b(data, digest_size=12).hexdigest()}"
        case function:
            made: object = function(*args, **kwargs)
            text = "" if made is None else str(made)
            if not is_key(text):
                told = f"the unique function of {name} must return the key, a text that is not empty"
                raise BadArguments(f"{told}, not {made!r:.80}", told)
    return Unique(text, options.unique_for, options.on_conflict)
