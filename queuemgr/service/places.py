"""Which store and which app are meant, from options, the environment and the current folder. It opens nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .failures import NoStore

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "queuemgr.db"
STORE_VARIABLE, APP_VARIABLE = "QUEUEMGR_STORE", "QUEUEMGR_APP"


@dataclass(frozen=True, slots=True)
class Place:
    """`url` of the store, or None where the app says it; `app` as `module:variable`, or None.

    `named` holds the options that named it, to repeat them in the commands that a message proposes.
    """

    url: str | None = None
    app: str | None = None
    named: tuple[str, ...] = ()


def find_place(store: str | None, app: str | None, environment: Mapping[str, str], folder: Path) -> Place:
    """Options go before the environment, and both before a file `queuemgr.db` in `folder`. Raises NoStore."""
    named = (*(("--store", store) if store else ()), *(("--app", app) if app else ()))
    known_app = app or environment.get(APP_VARIABLE) or None
    if store or app:
        return Place(store, known_app, named)
    url = environment.get(STORE_VARIABLE) or None
    if url or known_app:
        return Place(url, known_app)
    if (folder / FILE).is_file():
        return Place(f"sqlite:///{FILE}")
    raise NoStore(
        f"which store? None was named, and there is no {FILE} in {folder}",
        f"give --store sqlite:///jobs.db or --app MODULE:APP,\nor set {STORE_VARIABLE} or {APP_VARIABLE}",
    )
