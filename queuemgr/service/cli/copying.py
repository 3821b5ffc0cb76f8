"""A copy with its progress bar, which stands beside the answer and leaves no trace. It copies nothing itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .showing import Document


def copied(source: str, target: str, *, with_bar: bool) -> Document:
    """Raises NoStore, Misused, NotAllowed, ConfigError and StoreError."""
    import asyncio

    with _bar() if with_bar else _silence() as told:
        return asyncio.run(_copy(source, target, told))


async def _copy(source: str, target: str, told: Callable[[str, int, int], None]) -> Document:
    from queuemgr.service.connecting import connected
    from queuemgr.service.operations.copying import copy_store
    from queuemgr.service.places import Place

    async with connected(Place(source)) as here, connected(Place(target), create=True) as there:
        return await copy_store(here.client, there.client, told)


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    from rich.live import Live
    from rich.text import Text

    from queuemgr.service.words import counted

    from .pretty import Terminal, bar

    console = Terminal(stderr=True)
    with Live(console=console, refresh_per_second=8, transient=True) as live:

        def told(doing: str, done: int, total: int) -> None:
            drawn = bar(done / total if total else 1.0, 24, console)
            live.update(Text(f"{doing:10} {drawn} {done:,} of {counted(total, 'job')}"))

        yield told


@contextmanager
def _silence() -> Iterator[Callable[[str, int, int], None]]:
    yield lambda doing, done, total: None
