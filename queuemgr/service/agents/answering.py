"""Answers the calls of agents: looks are carried out at once, changes first told and then confirmed.

It knows nothing of the protocol: `serving.py` does.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from queuemgr.errors import QueuemgrError, did_you_mean
from queuemgr.service.failures import NotFound, hint_of, message_of
from queuemgr.service.operations.previews import preview

from .bounding import LIMIT, bounded
from .codes import LIFE, Codes
from .rates import Meter, Rates
from .tools import CONFIRM, tools_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.clock import Clock
    from queuemgr.service.desk import Desk, Visitor
    from queuemgr.service.facts import Facts

    from .tools import Tool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """`facts` and the same as JSON; `failed` where the call was not carried out.

    Where it was, they fit the schema of what the tool answers.
    """

    facts: Facts
    text: str
    failed: bool = False


class Answering:
    """`limit` are the bytes that an answer may have."""

    def __init__(self, desk: Desk, clock: Clock, rates: Rates | None = None, limit: int = LIMIT) -> None:
        self._desk = desk
        self._meter = Meter(rates or Rates(), clock)
        self._codes = Codes(clock)
        self._limit = limit

    def tools(self, visitor: Visitor) -> dict[str, Tool]:
        """What the visitor may call."""
        tools = tools_for(visitor.scope)
        if self._desk.read_only:
            return {name: tool for name, tool in tools.items() if not tool.operation.changes}
        return tools

    async def call(self, name: str, given: Mapping[str, Any], visitor: Visitor) -> Answer:
        """Always an answer: what went wrong is told with the next step."""
        try:
            self._meter.call(visitor.name)
            tool = self._tool(name, visitor)
            facts = await self._look_or_change(tool, dict(given), visitor)
            return Answer(*bounded(facts, list(tool.operation.parameters), self._limit))
        except QueuemgrError as error:
            return self._failed(_told(error))
        except Exception:
            log.exception("the tool %s failed", name)
            return self._failed({"error": "Fault", "message": "a mistake in queuemgr itself; its log says more"})

    def _failed(self, facts: Facts) -> Answer:
        return Answer(*bounded(facts, limit=self._limit), failed=True)

    def _tool(self, name: str, visitor: Visitor) -> Tool:
        """Raises NotFound."""
        tools = self.tools(visitor)
        if name not in tools:
            may = visitor.scope.name.lower()
            raise NotFound(f"there is no tool {name!r} for the scope {may}: {did_you_mean(name, tools)}")
        return tools[name]

    async def _look_or_change(self, tool: Tool, given: dict[str, Any], visitor: Visitor) -> Facts:
        code = given.pop(CONFIRM, None) if tool.operation.changes else None
        arguments = tool.arguments(given)
        if not tool.operation.changes:
            return await self._desk.ask(tool.operation.name, arguments, visitor)
        if code is None:
            return await self._told_before(tool, arguments, visitor)
        self._meter.change(visitor.name)
        self._codes.spend(code, visitor.name, tool.operation.name, arguments)
        return await self._desk.ask(tool.operation.name, arguments, visitor)

    async def _told_before(self, tool: Tool, arguments: dict[str, Any], visitor: Visitor) -> Facts:
        async def ask(name: str, inner: Mapping[str, Any]) -> Facts:
            return await self._desk.ask(name, inner, visitor)

        name = tool.operation.name
        would, _ = bounded(await preview(ask, name, arguments), limit=self._limit // 2)
        code = self._codes.issue(visitor.name, name, arguments)
        return {
            "done": False,
            **would,
            CONFIRM: code,
            "next": f"to do it, call {tool.name} with the same arguments and this {CONFIRM}, "
            f"once, within {LIFE / 60:g} minutes",
        }


def _told(error: QueuemgrError) -> Facts:
    return {"error": type(error).__name__, "message": message_of(error), "hint": hint_of(error) or None}
