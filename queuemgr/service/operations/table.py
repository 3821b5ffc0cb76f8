"""Every operation, declared once: its name, whether it changes anything, and what it says of itself.

The control socket and every other face are made from this table. It carries nothing out itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from queuemgr.errors import ValidationError, did_you_mean
from queuemgr.job import State
from queuemgr.service.failures import Misused, NotFound
from queuemgr.service.operations import changing, flat, jobs, overview, queues, schedules, sending, service, workers
from queuemgr.service.operations import store as stores
from queuemgr.service.presence import NOBODY, Presence
from queuemgr.store import Query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from queuemgr.app import App
    from queuemgr.client import AsyncClient
    from queuemgr.service.facts import Facts

GIVEN = frozenset({"client", "app", "presence"})
"""Parameters that come from inside, never from who asks."""

# The operations name these types for the type checker alone.
_TYPES: dict[str, Any] = {
    **dict.fromkeys(("AsyncClient", "App", "Presence"), Any),
    "Facts": dict[str, Any],
    "Query": Query,
    "Request": sending.Request,
    "Sequence": Sequence,
}


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: Any
    default: Any = inspect.Parameter.empty

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked of the manager. `changes` is False where it only looks."""

    name: str
    function: Callable[..., Awaitable[Facts]]
    changes: bool
    description: str

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """What it can be asked with, from outside."""
        hints = get_type_hints(self.function, None, _TYPES)
        found = inspect.signature(self.function).parameters
        return {
            name: Parameter(name, hints.get(name, Any), one.default) for name, one in found.items() if name not in GIVEN
        }

    @cached_property
    def given(self) -> frozenset[str]:
        return GIVEN & inspect.signature(self.function).parameters.keys()

    def converted(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments in the types that the operation takes. Raises Misused, ValidationError."""
        for name in arguments:
            if name not in self.parameters:
                raise Misused(f"{self.name} takes no argument {name!r}: {did_you_mean(name, self.parameters)}")
        missing = [one.name for one in self.parameters.values() if one.required and one.name not in arguments]
        if missing:
            raise Misused(f"{self.name} needs {' and '.join(missing)}")
        return {name: self._converted(self.parameters[name], value) for name, value in arguments.items()}

    def _converted(self, parameter: Parameter, value: Any) -> Any:
        try:
            if parameter.type is Query:
                value = _with_states(value)
            return msgspec.convert(value, parameter.type)
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            reason = f"{self.name} cannot take {value!r:.80} as {parameter.name}: {error}"
            raise ValidationError(parameter.name, None, reason) from error


def _with_states(value: Any) -> Any:
    """States come as words. Raises ValueError."""
    if not isinstance(value, dict) or not isinstance(value.get("states"), list):
        return value
    words = {state.word: state for state in State}
    for word in value["states"]:
        if word not in words:
            raise ValueError(f"{word!r} is no state: {did_you_mean(str(word), words)}")
    return value | {"states": [words[word] for word in value["states"]]}


LOOKING = (
    ("jobs.list", jobs.list_jobs, "jobs that fit a query, newest first, page by page"),
    ("jobs.show", jobs.show_job, "all that is known of one job"),
    ("jobs.wait", jobs.wait_for, "wait until jobs have ended, and their results"),
    ("jobs.count", changing.count_matching, "how many jobs a change would reach"),
    ("overview", overview.overview, "one look at everything that moves"),
    ("queues.list", queues.list_queues, "queues with their numbers of jobs"),
    ("schedules.list", schedules.list_schedules, "schedules with their next firings"),
    ("schedules.preview", schedules.preview_schedule, "the next moments at which a schedule fires"),
    ("workers.list", workers.list_workers, "workers, living and dead"),
    ("tasks.list", workers.list_tasks, "tasks that can be run"),
    ("store.info", stores.store_info, "the store as a whole"),
    ("job.status", flat.status, "one job of the service as a flat record, with its result"),
    ("job.list", flat.list_records, "jobs of the service as flat records"),
    ("job.page", flat.page, "items of a large result"),
    ("job.logs", flat.logs, "what a job printed and logged"),
    ("job.wait", flat.wait, "wait until a job of the service has ended"),
    ("job.inspect", flat.inspect, "processor, memory, open files, children and stack of a running job"),
    ("job.classes", service.classes, "the names of job classes that can be added"),
    ("service.status", service.status, "the service itself, and how many jobs it has"),
)

CHANGING = (
    ("jobs.enqueue", sending.enqueue, "enqueue a job of a task"),
    ("jobs.change", changing.change_jobs, "retry, cancel, delete, hold or release jobs by their ids"),
    ("jobs.change_matching", changing.change_matching, "the same for all jobs that fit a query"),
    ("queues.pause", queues.pause_queues, "let no worker take a job of these queues"),
    ("queues.resume", queues.resume_queues, "let workers take jobs of these queues again"),
    ("schedules.add", schedules.add_schedule, "put or replace a schedule"),
    ("schedules.pause", schedules.pause_schedule, "pause a schedule or let it go on"),
    ("schedules.run", schedules.run_schedule, "enqueue a schedule's job now"),
    ("schedules.remove", schedules.remove_schedule, "remove a schedule"),
    ("store.prune", stores.prune, "forget finished jobs whose lifetime is over"),
    ("job.add", flat.add, "add a job of a job class; it waits until it is started"),
    ("job.start", flat.start, "let a job that was added run"),
    ("job.stop", flat.stop, "stop a job, gently first"),
    ("job.delete", flat.delete, "stop a job and forget what it did; its id stays taken"),
    ("job.purge", flat.purge, "forget a job altogether, so that its id is free"),
    ("job.restart", flat.restart, "run a job again from the start"),
    ("job.suspend", flat.suspend, "halt the processes of a running job"),
    ("job.resume", flat.resume, "let a suspended job go on"),
    ("service.shutdown", service.shutdown, "stop the service"),
    ("service.reload", service.reload, "let jobs that begin from now on run with the code as it is now"),
)


def _declared() -> Iterator[Operation]:
    for changes, rows in ((False, LOOKING), (True, CHANGING)):
        yield from (Operation(name, function, changes, description) for name, function, description in rows)


OPERATIONS: Mapping[str, Operation] = {operation.name: operation for operation in _declared()}


def find(name: str) -> Operation:
    """Raises NotFound."""
    try:
        return OPERATIONS[name]
    except (KeyError, TypeError):
        raise NotFound(f"there is no operation {name!r}: {did_you_mean(str(name), OPERATIONS)}") from None


async def call(
    name: str,
    arguments: Mapping[str, Any],
    client: AsyncClient,
    presence: Presence = NOBODY,
    app: App | None = None,
) -> Facts:
    """Carry an operation out. Raises NotFound, Misused, ValidationError, and what the operation raises."""
    operation = find(name)
    converted = operation.converted(arguments)
    inside = {"client": client, "presence": presence, "app": app}
    return await operation.function(**{given: inside[given] for given in operation.given}, **converted)
