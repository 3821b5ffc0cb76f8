"""Which service is meant by who asks: the folder of its socket. It asks nobody."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from queuemgr.service.host.config import proc_dir_of_programs, socket_of

from .configuration import gather
from .settings import RUN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def find_service(proc_dir: str | None, config: str | None, environment: Mapping[str, str]) -> str:
    """What is given, what the configuration says, or else the first of the usual folders where a service listens.

    Raises ConfigError.
    """
    told = gather(config, environment, {"proc_dir": proc_dir})["proc_dir"]
    if told.origin != "default":
        return str(told.value)
    usual = str(told.value)
    return next((folder for folder in _usual_folders(usual) if _listens(folder)), _where_to_complain(usual))


def _usual_folders(own: str) -> Iterator[str]:
    yield str(RUN)
    yield own
    yield proc_dir_of_programs()


def _listens(folder: str) -> bool:
    """Whether a socket of this user, or of the service's user where this is root, is there."""
    try:
        owner = socket_of(folder).stat().st_uid
    except OSError:
        return False
    return owner == os.geteuid() or folder == str(RUN)


def _where_to_complain(usual: str) -> str:
    """Whoever may not look into the folder of the installed service is told so."""
    return str(RUN) if RUN.is_dir() and not os.access(RUN, os.X_OK) else usual
