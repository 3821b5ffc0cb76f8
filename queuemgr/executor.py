"""The contract of what runs a task's code, and how a value or an exception becomes an outcome.

It decides no retries.
"""

from __future__ import annotations

import os
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from .context import Cancel, Snooze
from .errors import EncodingError, StoreError, UndecodableError
from .options import type_name
from .outcome import Cancelled, Crashed, Done, Failed, GivenBack, Outcome, Snoozed, Undecodable
from .result import IN_STORE, SMALL, Owner, looks_small, too_large

if TYPE_CHECKING:
    from .codec import Codec
    from .context import JobContext
    from .job import Lease
    from .options import Policy
    from .task import Task

MAX_TRACEBACK = 16_000
MAX_MESSAGE = 2_000


class Why(StrEnum):
    """Why a run is stopped from outside."""

    TIMEOUT = "timeout"
    CANCEL = "cancel"
    STOP = "stop"
    LOST = "lost"


@dataclass(slots=True, eq=False)
class Call:
    """One run of one job, on its way through an executor. `why` is set once it is asked to stop."""

    lease: Lease
    task: Task[..., Any, Any]
    policy: Policy
    context: JobContext
    codec: Codec
    max_result: int | None
    why: Why | None = None

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return decode_arguments(self.codec, self.lease.args)


class BadCall(UndecodableError):
    """The job's own arguments cannot be read; what else its code cannot read is a failure like any other."""


class Executor(Protocol):
    async def open(self) -> None: ...

    async def close(self) -> None:
        """Stop whatever still runs and leave no thread, process or descriptor behind."""

    async def run(self, call: Call) -> Outcome:
        """Run it to its end. Never raises but asyncio.CancelledError, which stops the work."""

    def interrupt(self, call: Call, why: Why) -> str | None:
        """Stop the run: `run` then returns `stopped(call)`. None, or a sentence saying why it cannot be stopped."""


def decode_arguments(codec: Codec, data: bytes) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The positional and named arguments. Raises BadCall."""
    try:
        value = codec.decode(data)
    except UndecodableError as error:
        raise BadCall(str(error)) from error
    match value:
        case [list() as args, dict() as kwargs]:
            return tuple(args), kwargs
        case [list() as args]:
            return tuple(args), {}
    raise BadCall(f"the arguments are not a list of arguments but {type(value).__name__}")


def outcome_of_value(value: object, codec: Codec, max_result: int | None, context: JobContext | None = None) -> Outcome:
    """What a task said by returning, with what it had written piece by piece before."""
    match value:
        case None if context is None or context._writer is None:
            return Done()
        case Snooze():
            return Snoozed(value.delay)
        case Cancel():
            return Cancelled(value.reason)
    try:
        return Done(encode_result(value, codec, max_result, context))
    except EncodingError as error:
        return Failed(describe(error), names_of(error), retry=False)
    except StoreError as error:
        return Failed(describe(error), names_of(error))


def encode_result(
    value: object, codec: Codec, max_result: int | None, context: JobContext | None = None
) -> bytes | None:
    """What the store is to hold: the encoded value, or a reference to where a large one was put.

    Raises EncodingError, also beyond the limit, and StoreError where a large result cannot be kept.
    """
    keeper, writer = (None, None) if context is None else (context._keeper, context._writer)
    if writer is not None:
        if value is not None and value is not writer:
            raise EncodingError("the job wrote its result piece by piece and returned another one: do one of the two")
        writer.close()
        return writer.result
    if keeper is None or looks_small(value):
        data = codec.encode(value, "result")
        if keeper is None or len(data) <= SMALL:
            limit = IN_STORE if max_result is None else max_result
            if len(data) > limit:
                raise too_large(f"{len(data):,}", limit)
            return data
    assert context is not None
    return keeper.keep(value, Owner(context.id, context.attempt))


def with_shown(outcome: Outcome, context: JobContext, codec: Codec, max_result: int | None) -> Outcome:
    """With what the job had to show by then (JobContext.set_result). What cannot be kept must not hide how it ended."""
    if context.result is None or context._writer is not None:
        return outcome
    match outcome:
        case Done(result=None) | Failed(result=None) | Cancelled(result=None):
            try:
                return replace(outcome, result=encode_result(context.result, codec, max_result, context))
            except (EncodingError, StoreError) as error:
                return Failed(describe(error), names_of(error), retry=False) if isinstance(outcome, Done) else outcome
    return outcome


def discard_unfinished(context: JobContext) -> None:
    """Let go of a result that the run, which is over, began to write and did not complete: its thread and its file."""
    writer = context._writer
    if writer is not None and writer.result is None:
        # What cannot be removed must not hide how the run ended; a clean-up finds it.
        with suppress(OSError, StoreError):
            writer.discard()


def takes_long(value: object, context: JobContext) -> bool:
    """Whether to encode the value may hold up an event loop."""
    return context._writer is not None or (context._keeper is not None and not looks_small(value))


def end_fork(pid: int) -> None:
    """End a process that a task forked and that came back from it: it must not go on as the one with this `pid`."""
    if os.getpid() != pid:
        os._exit(1)


def outcome_of_error(error: BaseException) -> Outcome:
    """What a task said by raising."""
    match error:
        case Snooze():
            return Snoozed(error.delay)
        case Cancel():
            return Cancelled(error.reason)
        case BadCall():
            return Undecodable(str(error))
    return Failed(describe(error), names_of(error))


def stopped(call: Call, how: str) -> Outcome:
    """What the run is worth once it was stopped from outside; `how` tells the means that it took."""
    match call.why:
        case Why.TIMEOUT:
            limit = call.policy.timeout
            error = {"type": "queuemgr.errors.TimedOut", "message": f"stopped after {limit} s {how}"}
            return Failed(error, ("queuemgr.errors.TimedOut", "builtins.Exception"))
        case Why.CANCEL:
            return Cancelled(f"cancelled while running, {how}")
        case None:
            return Crashed({"type": "queuemgr.errors.Killed", "message": f"ended {how}"})
    return GivenBack("the worker stopped" if call.why is Why.STOP else "the lease was lost")


def describe(error: BaseException) -> dict[str, Any]:
    """The error as plain data: type, message, traceback (bounded)."""
    text = "".join(traceback.format_exception(error))
    if len(text) > MAX_TRACEBACK:
        text = f"{text[: MAX_TRACEBACK // 2]}\n…\n{text[-MAX_TRACEBACK // 2 :]}"
    return {
        "type": type_name(type(error)),
        "message": _message(error)[:MAX_MESSAGE],
        "traceback": text.encode("utf-8", "replace").decode(),
    }


def names_of(error: BaseException) -> tuple[str, ...]:
    """The names of its classes, nearest first, for retry_on and never_retry_on."""
    return tuple(type_name(kind) for kind in type(error).__mro__ if kind is not object)


def _message(error: BaseException) -> str:
    try:
        return str(error).encode("utf-8", "replace").decode()
    except Exception as broken:
        return f"<its message cannot be shown: {type(broken).__name__}>"
