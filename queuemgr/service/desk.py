"""The one desk at which every face asks: it checks the scope, carries an operation out and has changes written down.

It decides nobody's scope itself.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from queuemgr.errors import ServiceNotRunning, ValidationError
from queuemgr.store import Query

from .access.attempts import Pace
from .access.audit import record, recorded
from .failures import CutOff, Forbidden, TooManyAttempts
from .operations.operation import Scope
from .operations.table import call, find
from .underway import Underway
from .whereabouts import Whereabouts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from pathlib import Path

    from queuemgr.app import App
    from queuemgr.client import AsyncClient

    from .facts import Facts
    from .host.calling import AsyncCaller
    from .operations.operation import Operation

    Work = Callable[[], Coroutine[Any, Any, Facts]]
    Around = Callable[[Work], Coroutine[Any, Any, Facts]]

OF_SERVICE = ("job.", "service.")
"""Beginnings of the names of operations that a running service is asked for, as its store may be another one."""

WAITING = frozenset({"job.wait"})
"""Operations whose answer may take as long as a job."""

MOST = 10_000
"""Items of a list that is asked with, and of a page that is asked for."""

COUNTING = 1.0
"""Seconds in which it is counted what a change has left that was cut off."""

REFUSALS = 10
"""Refusals that are written down in a minute for each who asks: nobody without rights may fill the store with them."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `via` is the face, "cli", "web", "api" or "mcp"; `address` that of the network, where there is one."""

    name: str
    scope: Scope
    via: str
    address: str | None = None


class Desk:
    """`socket` is that of the service which is asked for what only a running service can do, None where none is known.

    With `read_only` nothing that changes is carried out, whoever asks. `token_file` is that of the face, None for the
    usual one.
    """

    def __init__(
        self,
        client: AsyncClient,
        app: App | None = None,
        socket: Path | None = None,
        *,
        read_only: bool = False,
        token_file: Path | None = None,
    ) -> None:
        self.client = client
        self.app = app
        self.read_only = read_only
        self.underway = Underway()
        self._socket = socket
        self._token_file = token_file
        self._refusals = Pace()
        self._service: AsyncCaller | None = None
        self._whereabouts = Whereabouts()

    async def ask(
        self,
        name: str,
        arguments: Mapping[str, Any],
        visitor: Visitor,
        client: AsyncClient | None = None,
        around: Around | None = None,
    ) -> Facts:
        """The answer, by `client` in the stead of the desk's own where one is given.

        What changes is carried through though this is cancelled, `around` with it. Raises NotFound, Forbidden, Misused,
        ValidationError, CutOff where the server stops, StoreUnavailable where the store's file is no longer there, and
        what the operation raises.
        """
        operation = find(name)
        await self.admit(operation, visitor)
        _require_bounds(operation, operation.converted(arguments))
        if not operation.changes:
            return await self._carry_out(operation, arguments, client or self.client)
        work = partial(self._change, operation, arguments, client or self.client)
        told = partial(recorded, self.client, visitor, name, arguments, work)
        if client is None and around is None:
            return await self.underway.carry((visitor.name, name, arguments), told)
        return await self.underway.carry(None, told if around is None else partial(around, told))

    def require(self, operation: Operation, visitor: Visitor) -> None:
        """Raises Forbidden where the visitor may not ask for it."""
        if self.read_only and operation.changes:
            raise Forbidden(f"{operation.name} changes something, and this page is read-only", "start it anew without")
        if visitor.scope < operation.scope:
            may, needed = visitor.scope.name.lower(), operation.scope.name.lower()
            told = f"{operation.name} needs the scope {needed}, and {visitor.name} has {may}"
            raise Forbidden(told, "use a token of that scope: queuemgr token add --help")

    async def admit(self, operation: Operation, visitor: Visitor) -> None:
        """As `require`; a refusal is written down, without what was asked with, which nobody has checked."""
        try:
            self.require(operation, visitor)
        except Forbidden as error:
            if not self.read_only:
                with suppress(TooManyAttempts):
                    self._refusals.count(visitor.name, REFUSALS)
                    await record(self.client, visitor, operation.name, {}, error)
            raise

    async def close(self) -> None:
        """End what is under way, and hang up on the service. The store stays open: it belongs to whoever opened it."""
        await self.underway.close()
        if self._service is not None:
            await self._service.close()

    async def _change(self, operation: Operation, arguments: Mapping[str, Any], client: AsyncClient) -> Facts:
        try:
            return await self._carry_out(operation, arguments, client)
        except asyncio.CancelledError:
            if not self.underway.stopping:
                raise
        # Some stores cannot be stopped midway: it may be that nothing is left.
        left = await self._left(operation.name, arguments)
        rest = "how many jobs are left was not counted" if left is None else f"jobs left: {left:,}"
        told = f"{operation.name} had not ended when its server stopped: what is changed stays changed, {rest}"
        raise CutOff(told, "ask for it once more to have the rest changed")

    async def _left(self, name: str, arguments: Mapping[str, Any]) -> int | None:
        """How many jobs the change would still reach; None where that tells nothing, or takes too long."""
        from .operations.previews import preview

        async def ask(asked: str, given: Mapping[str, Any]) -> Facts:
            return await self._carry_out(find(asked), given, self.client)

        with suppress(Exception):
            async with asyncio.timeout(COUNTING):
                matched: int | None = (await preview(ask, name, arguments)).get("matched")
                # What has its priority already is counted among what would get it.
                return matched if name != "jobs.prioritise" else None
        return None

    async def _carry_out(self, operation: Operation, arguments: Mapping[str, Any], client: AsyncClient) -> Facts:
        if operation.name.startswith(OF_SERVICE) and self._socket is not None:
            how: dict[str, float | None] = {"timeout": None} if operation.name in WAITING else {}
            try:
                answer: Facts = await self._caller(self._socket).call(operation.name, dict(arguments), **how)
            except ServiceNotRunning:
                if "presence" in operation.given:
                    raise
            else:
                return answer
        self._whereabouts.require(client.store)
        return await call(operation.name, arguments, client, app=self.app, token_file=self._token_file)

    def _caller(self, socket: Path) -> AsyncCaller:
        from .host.calling import AsyncCaller

        if self._service is None:
            self._service = AsyncCaller(socket)
        return self._service


def _require_bounds(operation: Operation, given: Mapping[str, Any]) -> None:
    """What the network may ask of a store and of this process's memory. Raises ValidationError."""
    for name, value in given.items():
        items = value.ids if isinstance(value, Query) else value if isinstance(value, (list, tuple)) else ()
        if len(items) > MOST:
            raise ValidationError(name, None, f"{operation.name} takes at most {MOST:,} at a time, not {len(items):,}")
        if _is_too_large(value) or (name == "after" and isinstance(value, str) and _is_too_large(_number_in(value))):
            raise ValidationError(name, None, f"{operation.name} cannot take so large a number as {name}")
        if name == "limit" and not operation.changes and not 0 <= value <= MOST:
            raise ValidationError(name, None, f"a page of {operation.name} has 0 to {MOST:,} items, not {value}")


def _is_too_large(value: object) -> bool:
    return isinstance(value, int) and not -(1 << 63) <= value < 1 << 63


def _number_in(text: str) -> int:
    """0 where it is none; what is longer than any number of a store need not be read."""
    return 0 if not text.isdecimal() else 1 << 63 if len(text) > 19 else int(text)
