"""Looks at a server before it is used: whether it is new enough, ours, and keeps what it is told. It changes no job."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from redis.exceptions import NoPermissionError

from queuemgr.errors import ConfigError, ForeignStore, NewerStore, StoreError

if TYPE_CHECKING:
    from .server import Server

log = logging.getLogger("queuemgr.store")

VERSION = 1
"""The version of the keys (docs/redis.md)."""

NEEDED = (6, 2)


async def look_at(server: Server) -> None:
    """Raises ConfigError where the server is too old; warns where it may lose jobs."""
    told = await _info(server)
    _require_new_enough(server, told)
    _warn(server, told)


def require_ours(place: str, version: bytes) -> None:
    """Raises ForeignStore, NewerStore."""
    if not version.isdigit():
        raise ForeignStore(f"{place} holds keys under our prefix that queuemgr did not write: choose another prefix=")
    if int(version) > VERSION:
        raise NewerStore(
            f"{place} was written to by a newer queuemgr (keys of version {int(version)}, this one knows {VERSION}): "
            "update queuemgr everywhere that uses this server"
        )


async def _info(server: Server) -> dict[str, str]:
    # INFO without a section, because older servers take no more than one.
    try:
        text = (await server.ask("INFO")).decode()
    except StoreError as error:
        if isinstance(error.__cause__, NoPermissionError):
            return {}
        raise
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value for name, _, value in lines}


def _require_new_enough(server: Server, told: dict[str, str]) -> None:
    text = told.get("redis_version", "")
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if numbers and numbers < NEEDED:
        raise ConfigError(
            f"{server.place} is Redis {text}; queuemgr needs {'.'.join(map(str, NEEDED))} or newer, or any Valkey"
        )


def _warn(server: Server, told: dict[str, str]) -> None:
    policy = told.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and told.get("maxmemory", "0") != "0":
        log.warning(
            "%s throws keys away when its memory is full, and %s with them: set maxmemory-policy noeviction, not %s",
            server.place,
            # No key of a job ever expires.
            "what keeps a late command from being done twice" if policy.startswith("volatile") else "jobs",
            policy,
        )
    if told.get("aof_enabled") == "0":
        log.warning(
            "%s writes no append-only file: jobs since its last snapshot, if it makes any, are lost when it ends; "
            "set appendonly yes",
            server.place,
        )
