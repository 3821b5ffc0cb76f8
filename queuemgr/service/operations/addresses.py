"""Addresses of stores as they may be shown: without what opens them. It connects to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.address import shown_url

if TYPE_CHECKING:
    from queuemgr.store import Store


def shown(store: Store) -> str:
    """The store's URL with `***` for every password in it."""
    return shown_url(store.url)
