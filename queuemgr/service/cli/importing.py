"""`queuemgr service import`: an older program's registry goes into the service's store. It reads no line itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr.service.places import Place

if TYPE_CHECKING:
    from .asking import Asking
    from .showing import Document


def imported(asking: Asking, file: Path) -> Document:
    """{"file", "found", "imported", "passed_over"}.

    Raises RegistryError, NoStore, ConfigError, StoreError and ServiceNotRunning.
    """
    registry = Path(asking.call("service.status")["registry_path"])
    return asyncio.run(_import(asking.store_url(), file.expanduser().absolute(), registry))


async def _import(store: str, file: Path, registry: Path) -> Document:
    from queuemgr.service.access.audit import recorded
    from queuemgr.service.access.terminal import this_person
    from queuemgr.service.connecting import connected
    from queuemgr.service.registry.importing import import_registry

    arguments = {"file": str(file)}
    async with connected(Place(store)) as here:
        counts = await recorded(
            here.client,
            this_person(),
            "service.import",
            arguments,
            lambda: import_registry(here.client, file, registry),
        )
    return {**arguments, **counts}
