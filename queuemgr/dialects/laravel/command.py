"""The object of a job, as its payload carries it: opened, sealed, and followed along its chain.

It is looked at and never run. What only PHP could honour is named, so that such a job is left to Laravel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import EncodingError, UndecodableError

from .php import PhpObject, serialize, unserialize

if TYPE_CHECKING:
    from .encryption import Encrypter
    from .payload import Payload


class Command(msgspec.Struct, frozen=True):
    """`body` is what PHP serialised."""

    object: PhpObject
    body: bytes
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Next:
    """What follows in a chain: its object, and the queue and the seconds of delay that it asks for."""

    object: PhpObject
    queue: str | None
    delay: int


def open_command(payload: Payload, encrypter: Encrypter | None) -> Command | str:
    """The object, or why it cannot be seen here. Raises UndecodableError for one that PHP could not read either."""
    text = payload.data.command
    encrypted = not text.startswith("O:")
    body = text.encode()
    if encrypted:
        if encrypter is None:
            return "it is encrypted and there is no APP_KEY here"
        try:
            inner = unserialize(encrypter.decrypt(text))
        except UndecodableError as error:
            return str(error)
        body = inner if isinstance(inner, bytes) else str(inner).encode()
    made = unserialize(body)
    if not isinstance(made, PhpObject):
        raise UndecodableError("the command of the payload is no object")
    return Command(made, body, encrypted)


def seal(made: PhpObject, encrypter: Encrypter | None) -> str:
    """The command as a payload carries it, encrypted where an encrypter is given. Raises EncodingError."""
    body = serialize(made)
    try:
        return body.decode() if encrypter is None else encrypter.encrypt(serialize(body))
    except UnicodeDecodeError as error:
        raise EncodingError(f"{made.name}: Laravel's payload carries text, and this object is no UTF-8") from error


def obstacle(payload: Payload, command: Command, connection: str) -> str | None:
    """Why only Laravel may run it; None where nothing stands against it."""
    made = command.object
    if payload.data.batchId or (b'batchId";' in command.body and made.get("batchId")):
        return "it belongs to a batch, whose book Laravel keeps in its database"
    if made.get("middleware"):
        return "it carries middleware, which only PHP can run"
    if made.get("chained"):
        return _obstacle_in_chain(command, connection)
    return None


def next_in_chain(made: PhpObject) -> Next | None:
    """What is to be sent when this job has succeeded. Raises UndecodableError."""
    chained = made.get("chained")
    if not chained or not isinstance(chained, dict):
        return None
    first, *rest = chained.values()
    follower = unserialize(first if isinstance(first, bytes) else str(first).encode())
    if not isinstance(follower, PhpObject):
        raise UndecodableError("the next job of the chain is no object")
    follower.put("chained", rest)
    for name in ("chainConnection", "chainQueue", "chainCatchCallbacks"):
        follower.put(name, made.get(name))
    follower.put("queue", follower.get("queue") or made.get("chainQueue"))
    follower.put("connection", follower.get("connection") or made.get("chainConnection"))
    delay = follower.get("delay")
    return Next(follower, follower.get("queue"), delay if isinstance(delay, int) else 0)


def _obstacle_in_chain(command: Command, connection: str) -> str | None:
    if command.object.get("chainCatchCallbacks"):
        return "its chain has catch callbacks, which only PHP can run"
    if b"R:" in command.body:
        return "its chain is written with references, which cannot be written again unchanged"
    follower = next_in_chain(command.object)
    if follower is None:
        return "its chain cannot be read"
    if not isinstance(follower.object.get("delay"), (int, type(None))):
        return "the next job of its chain has a delay that only PHP can work out"
    if (follower.object.get("connection") or connection) != connection:
        return f"the next job of its chain goes to the connection {follower.object.get('connection')!r}"
    return None


def settings_of(made: PhpObject) -> dict[str, Any]:
    """What an object says of its own runs, as far as its properties tell it."""
    backoff = made.get("backoff")
    steps = [_whole(step) for step in (backoff.values() if isinstance(backoff, dict) else [backoff])]
    return {
        "maxTries": _whole(made.get("tries")),
        "maxExceptions": _whole(made.get("maxExceptions")),
        "failOnTimeout": made.get("failOnTimeout") is True,
        "backoff": ",".join(map(str, steps)) if steps and None not in steps else None,
        "timeout": _whole(made.get("timeout")),
        "retryUntil": _whole(made.get("retryUntil")),
    }


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
