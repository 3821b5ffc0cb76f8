"""Emitters of events: one for synchronous code, one for asyncio. They know nothing of queues."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar, overload

Listener = Callable[..., Any]
L = TypeVar("L", bound=Listener)

log = logging.getLogger("lara_queue")


class EventEmitter:
    """Calls listeners in the order in which they came. A listener's error comes out of `emit`."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[tuple[Listener, bool]]] = {}

    @overload
    def on(self, event: str) -> Callable[[L], L]: ...

    @overload
    def on(self, event: str, f: L) -> L: ...

    def on(self, event: str, f: L | None = None) -> L | Callable[[L], L]:
        """Call `f` for every such event; without it, a decorator. Returns `f`."""
        return self._adder(event, once=False) if f is None else self._add(event, f, once=False)

    @overload
    def once(self, event: str) -> Callable[[L], L]: ...

    @overload
    def once(self, event: str, f: L) -> L: ...

    def once(self, event: str, f: L | None = None) -> L | Callable[[L], L]:
        """The same for the next such event only."""
        return self._adder(event, once=True) if f is None else self._add(event, f, once=True)

    add_listener = on
    listens_to = on

    def emit(self, event: str, *args: Any, **kwargs: Any) -> bool:
        """Whether anybody listens."""
        called = self.take(event)
        for listener in called:
            self._call(listener, args, kwargs)
        return bool(called)

    def take(self, event: str) -> list[Listener]:
        """Who is to be called for one such event. Those that asked for one only are forgotten."""
        known = self._listeners.get(event, [])
        called, left = [], []
        for one in known:
            called.append(one[0])
            if not one[1]:
                left.append(one)
        if len(left) < len(known):
            self._listeners[event] = left
        return called

    def remove_listener(self, event: str, f: Listener) -> None:
        """Raises KeyError where it does not listen."""
        known = self._listeners.get(event, [])
        left = [one for one in known if one[0] is not f]
        if len(left) == len(known):
            raise KeyError(f)
        self._listeners[event] = left

    def remove_all_listeners(self, event: str | None = None) -> None:
        if event is None:
            self._listeners.clear()
        else:
            self._listeners.pop(event, None)

    def listeners(self, event: str) -> list[Listener]:
        return [listener for listener, _ in self._listeners.get(event, [])]

    def event_names(self) -> set[str]:
        return {event for event, known in self._listeners.items() if known}

    def _call(self, listener: Listener, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        listener(*args, **kwargs)

    def _adder(self, event: str, *, once: bool) -> Callable[[L], L]:
        return lambda f: self._add(event, f, once=once)

    def _add(self, event: str, f: L, *, once: bool) -> L:
        self._listeners.setdefault(event, []).append((f, once))
        return f


class AsyncIOEventEmitter(EventEmitter):
    """Coroutines of listeners run as tasks of the running event loop; what they raise becomes the event "error"."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: set[asyncio.Task[Any]] = set()

    def _call(self, listener: Listener, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        answer = listener(*args, **kwargs)
        if inspect.isawaitable(answer):
            task = asyncio.ensure_future(answer)
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def wait_for_complete(self) -> None:
        """Until every coroutine that `emit` began has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.emit("error", error):
            log.error("a listener failed and nobody listens to 'error'", exc_info=error)
