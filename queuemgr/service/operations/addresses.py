"""Addresses of stores as they may be shown: without what opens them. It connects to nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from queuemgr.store import Store

_LOGIN = re.compile(r"(://[^:/?#@]*):[^/?#]*@")
_OPTION = re.compile(r"([?&][a-z_]*password=)[^&]*")


def shown(store: Store) -> str:
    """The store's URL with `***` for every password in it."""
    return shown_url(store.url)


def shown_url(url: str) -> str:
    return _OPTION.sub(r"\1***", _LOGIN.sub(r"\1:***@", url))
