"""Makes jobs of what somebody typed or sent: with the app its tasks check it, without one it is taken as it is."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from msgspec import ValidationError, convert, structs

from queuemgr.arguments import signature_of
from queuemgr.client import Client
from queuemgr.codec import Codec
from queuemgr.errors import BadArguments, did_you_mean
from queuemgr.options import Options
from queuemgr.secret import DOTS, Secret
from queuemgr.service.facts import job_facts
from queuemgr.service.failures import Misused
from queuemgr.service.payloads import format_of
from queuemgr.task import Call, Task
from queuemgr.typetags import SECRET

from .operation import Operation, Scope
from .request import Request, Word
from .workers import known_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.app import App
    from queuemgr.client import AsyncClient
    from queuemgr.service.told import JobEnqueued, Obstacle

MAX_PAYLOAD = 1024 * 1024
RUN_OPTIONS = ("attempts", "timeout")


async def call_of(client: AsyncClient, app: App | None, request: Request) -> Call[Any]:
    """A job ready to be enqueued. Raises UnknownTask, BadArguments, EncodingError, ConfigError."""
    if app is not None:
        return _checked_call(app.tasks[request.task], request)
    codec = Codec(await _format_in_use(client))
    sender = Client(_with_codec(client, codec), MAX_PAYLOAD)
    task: Task[..., Any, Any] = Task(request.task, _anything, Options(), sender)
    positional = [marked(word.value) for word in request.positional]
    named = {name: marked(word.value) for name, word in request.named.items()}
    call = _with_options(task, request.options).call(*positional, **named)
    # What was asked for must hold whatever the task's own options are, which nobody knows here.
    asked = {name: request.options[name] for name in RUN_OPTIONS if name in request.options}
    return Call(structs.replace(call.job, options=asked or None))


async def enqueue(client: AsyncClient, app: App | None, request: Request) -> JobEnqueued:
    """The job, and why no worker that lives now would run it. Raises JobExists and what `call_of` raises."""
    call = await call_of(client, app, request)
    handle = await client.enqueue(call)
    record = await client.get(handle.id)
    return {
        "id": handle.id,
        "existing": handle.existing,
        "job": job_facts(record, client.clock.now()),
        "obstacles": await obstacles(client, record.task, record.queue),
    }


async def obstacles(client: AsyncClient, task: str, queue: str) -> list[Obstacle]:
    """Why no worker that lives now would run such a job: {"why", "purpose", "command"} each; empty where one would."""
    alive = [worker for worker in await client.workers() if worker.alive]
    start = "queuemgr worker MODULE:APP"
    if not alive:
        return [_obstacle("no worker is running: the job waits until one is started", "start a worker", start)]
    takers = [worker for worker in alive if worker.takes_jobs]
    if not takers:
        told = "every worker is quiet or stops: the job waits until one takes jobs again"
        return [_obstacle(told, "see the workers", "queuemgr workers list")]
    found = []
    known = await known_tasks(client)
    if task not in known:
        told = f"the job waits until a worker knows task {task!r}: {did_you_mean(task, known)}"
        found.append(_obstacle(told, "see the tasks", "queuemgr tasks list"))
    served = {name for worker in takers for name in worker.queues}
    if queue not in served:
        told = f"no worker takes jobs from queue {queue!r}: {did_you_mean(queue, served)}"
        found.append(_obstacle(told, "start one", f"{start} --queue {quote(queue)}"))
    if any(info.name == queue and info.paused for info in await client.queues()):
        resume = f"queuemgr queues resume {quote(queue)}"
        found.append(_obstacle(f"queue {queue!r} is paused", "let it go on", resume))
    return found


def _obstacle(why: str, purpose: str, command: str) -> Obstacle:
    return {"why": why, "purpose": purpose, "command": command}


def _checked_call(task: Task[..., Any, Any], request: Request) -> Call[Any]:
    hints = _hints_of(task.function)
    names = _positional_names(task.function)
    positional = [
        _fitting(word, hints.get(names[index]) if index < len(names) else None)
        for index, word in enumerate(request.positional)
    ]
    named = {name: _fitting(word, hints.get(name)) for name, word in request.named.items()}
    return _with_options(task, request.options).call(*positional, **named)


def _with_options(task: Task[..., Any, Any], options: dict[str, Any]) -> Task[..., Any, Any]:
    """Raises ConfigError, and Misused where a value has not even the type of its option."""
    try:
        return task.using(**options)
    except (TypeError, ValueError, OverflowError) as error:
        raise Misused(f"the options {options!r:.200} of a job of {task.name} cannot be used: {error}") from error


def _fitting(word: Word, hint: Any) -> Any:
    """The value in the type that the task asks for, where JSON has no such type; else as it is."""
    if (secret := _secret_in(hint)) is not None and word.value is not None:
        return _hidden(word, secret)
    word = Word(marked(word.value), word.text)
    kinds = get_args(hint) or (hint,)
    if word.text is not None and str in kinds and type(word.value) not in kinds:
        return word.text
    if hint is None or word.value is None or isinstance(word.value, (int, float)):
        return word.value
    try:
        return convert(word.value, hint)
    except (ValidationError, TypeError, RecursionError):
        return word.value


def _secret_in(hint: Any) -> Any:
    """The Secret[...] that a parameter takes, alone or beside others; None where it takes none."""
    return next((kind for kind in (hint, *get_args(hint)) if (get_origin(kind) or kind) is Secret), None)


def _hidden(word: Word, hint: Any) -> Secret[Any]:
    """What was typed or sent for a secret parameter, bare or marked."""
    value = marked(word.value)
    bare = Word(value.reveal()) if isinstance(value, Secret) else word
    return Secret(_fitting(bare, next(iter(get_args(hint)), None)))


def marked(value: Any) -> Any:
    """Plain data, with a Secret for each part that is marked as one. Raises BadArguments where it is dots only."""
    if isinstance(value, list):
        return [marked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$", "v"} and value["$"] == SECRET:
        if value["v"] == DOTS:
            raise BadArguments("a secret was sent as the dots that stand for it: send its value")
        return Secret(marked(value["v"]))
    return {name: marked(item) for name, item in value.items()}


def _hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function.__init__ if isinstance(function, type) else function)  # type: ignore[misc]
    except (NameError, TypeError, AttributeError):
        return {}


def _positional_names(function: Callable[..., Any]) -> list[str]:
    from inspect import Parameter

    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, parameter in signature_of(function).parameters.items() if parameter.kind in kinds]


def _anything(*args: Any, **kwargs: Any) -> None: ...


def _with_codec(client: AsyncClient, codec: Codec) -> AsyncClient:
    from queuemgr.client import AsyncClient

    return AsyncClient(lambda: client.store, codec)


async def _format_in_use(client: AsyncClient) -> str:
    """That of the newest job: the workers of this store read it, and nobody here knows their app."""
    newest = (await client.find(limit=1)).jobs
    return format_of(await client.store.arguments(newest[0].id)) if newest else "json"


OPERATIONS = (Operation("jobs.enqueue", enqueue, Scope.OPERATE, "POST /jobs", "enqueue", "enqueue a job of a task"),)
