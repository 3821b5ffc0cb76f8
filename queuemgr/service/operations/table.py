"""Every operation by its name: the control socket and every other face are made from this table.

It carries nothing out itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.errors import did_you_mean
from queuemgr.service.access.config import find_token_file
from queuemgr.service.access.tokens import Tokens
from queuemgr.service.failures import NotFound
from queuemgr.service.presence import NOBODY, Presence

from . import (
    alerts,
    audit,
    changing,
    completing,
    contents,
    failures,
    flat,
    history,
    jobs,
    metrics,
    overview,
    prioritising,
    queues,
    rerunning,
    schedules,
    sending,
    service,
    store,
    tokens,
    why,
    workers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from queuemgr.app import App
    from queuemgr.client import AsyncClient
    from queuemgr.service.facts import Facts

    from .operation import Operation

_MODULES = (
    overview,
    jobs,
    why,
    contents,
    failures,
    changing,
    prioritising,
    rerunning,
    completing,
    sending,
    queues,
    schedules,
    workers,
    store,
    flat,
    service,
    audit,
    tokens,
    metrics,
    history,
    alerts,
)

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
    token_file: Path | None = None,
) -> Facts:
    """Carry an operation out; `token_file` is that of the page that asks, None the usual one.

    Raises NotFound, Misused, ValidationError, and what the operation raises.
    """
    operation = find(name)
    converted = operation.converted(arguments)
    inside: dict[str, Any] = {"client": client, "presence": presence, "app": app}
    if "tokens" in operation.given:
        inside["tokens"] = Tokens(token_file or find_token_file(None))
    given = {name: inside[name] for name in operation.given}
    return dict(await operation.function(**given, **converted))
