"""What the worker, the zygote and the job processes say to one another, and its form on a socket.

Every socket keeps the packets of its sender apart, so none needs a length in front. This module opens none of them.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

import msgspec

from queuemgr.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Buffer

T = TypeVar("T")

NOTICE = signal.SIGUSR2
"""To a child alone: its job is to end by itself."""

STACK = signal.SIGUSR1
"""To a child alone: it is to write down where its code stands."""

PIECE = 60 * 1024
PACKET = PIECE + 1
_WHOLE, _PART, _LAST = b"w", b"p", b"l"
_KINDS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Outcome)}


class Frame(msgspec.Struct, array_like=True, tag=True):
    pass


class Job(Frame):
    """Worker to child. `last` says that the child ends after it."""

    id: str
    task: str
    queue: str
    attempt: int
    memory_limit: int | None
    last: bool
    args: bytes


class Progress(Frame):
    percent: float
    note: str | None


class Text(Frame):
    stream: str
    text: str


class End(Frame):
    """Child to worker, the last of a job. `stopped`: SIGTERM broke it off.

    `spent`: it is to take no more jobs, for it is beyond its memory limit or without the stdout or stderr that it had.
    `fit`: what the task imported may as well be imported before the fork.
    """

    kind: str
    fields: Any
    stopped: bool
    peak_memory: int
    spent: bool
    fit: bool = False

    def outcome(self) -> Outcome:
        """The outcome as it was. Raises msgspec.ValidationError, KeyError."""
        outcome: Outcome = msgspec.convert(self.fields, _KINDS[self.kind])
        return outcome


class Config(Frame):
    """Worker to zygote, the first. `parent` is the worker's pid."""

    app: str
    preload: tuple[str, ...]
    argv: list[str]
    folder: str
    parent: int


class Fork(Frame):
    """Worker to zygote, with three descriptors: the child's socket, its stdout and its stderr."""

    number: int


class Signal(Frame):
    """Worker to zygote: a signal for the group of a child; some also for those who left the group.

    `alone` keeps it to the child itself, so that those it started are not touched.
    """

    number: int
    signal: int
    alone: bool = False


class Ready(Frame):
    """Zygote to worker: the app is imported. `threads` counts those that the import started."""

    threads: int


class Broken(Frame):
    """Zygote to worker: the app cannot be imported."""

    error: dict[str, Any]


class Forked(Frame):
    number: int
    pid: int


class Unforked(Frame):
    number: int
    error: dict[str, Any]


class Exited(Frame):
    """Zygote to worker. `status` is as os.wait4 gives it."""

    number: int
    status: int
    peak_memory: int


Report = Progress | Text | End
Order = Config | Fork | Signal
News = Ready | Broken | Forked | Unforked | Exited

encode = msgspec.msgpack.Encoder().encode
decode_job = msgspec.msgpack.Decoder(Job).decode
decode_report = msgspec.msgpack.Decoder[Report](Report).decode
decode_order = msgspec.msgpack.Decoder[Order](Order).decode
decode_news = msgspec.msgpack.Decoder[News](News).decode


def packets(message: Frame) -> Iterator[bytes]:
    """The message in pieces that each fit into one packet."""
    data = encode(message)
    if len(data) <= PIECE:
        yield _WHOLE + data
        return
    view = memoryview(data)
    for start in range(0, len(data), PIECE):
        kind = _PART if start + PIECE < len(data) else _LAST
        yield kind + view[start : start + PIECE]


class Inbox(Generic[T]):
    """Makes messages of packets. A whole message may come between the parts of another one."""

    def __init__(self, decode: Callable[[Buffer], T]) -> None:
        self._decode = decode
        self._parts: list[bytes] = []

    def take(self, packet: memoryview) -> T | None:
        """The message that this packet completes. Raises msgspec.DecodeError."""
        kind = packet[:1]
        if kind == _WHOLE:
            return self._decode(packet[1:])
        if kind == _PART:
            self._parts.append(bytes(packet[1:]))
            return None
        data = b"".join([*self._parts, packet[1:]])
        self._parts.clear()
        return self._decode(data)
