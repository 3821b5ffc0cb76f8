"""Every operation by its name: the control socket and every other face are made from this table.

It carries nothing out itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.errors import did_you_mean
from queuemgr.service.failures import NotFound
from queuemgr.service.presence import NOBODY, Presence

from . import changing, flat, jobs, overview, queues, schedules, sending, service, store, workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.app import App
    from queuemgr.client import AsyncClient
    from queuemgr.service.facts import Facts

    from .operation import Operation

_MODULES = (overview, jobs, changing, sending, queues, schedules, workers, store, flat, service)

OPERATIONS: Mapping[str, Operation] = {one.name: one for module in _MODULES for one in module.OPERATIONS}


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
