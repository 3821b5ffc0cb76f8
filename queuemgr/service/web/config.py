"""How the page is set up: which store, which address, who may come in. It opens nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from queuemgr.errors import ConfigError
from queuemgr.service.access.config import AccessConfig, find_token_file
from queuemgr.service.places import Place

HOST, PORT = "127.0.0.1", 5000


class WebValues(TypedDict, total=False):
    """The settings of the page, as an editor and a type checker know them; `WebConfig` says what they mean."""

    host: str | None
    port: int
    hosts: Sequence[str]
    token_file: str | None
    always_token: bool
    read_only: bool
    proc_dir: str | None
    config: str | None
    debug: bool
    mcp: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """`place` is None for what the environment and the current folder say.

    `host` is None where somebody else's server listens; `hosts` are the names, beside those of this machine, by which
    the page may be asked for. `token_file` holds the tokens; with `always_token` one is needed on this machine, too.
    With `read_only` nothing can be changed, with `debug` every request is logged. `proc_dir` is the folder of a running
    service's socket and `config` that service's file, by default the first usual folder where a service listens.
    `mcp` is the largest scope that agents get at /mcp, "read", "operate" or "administer"; None answers no agents.
    """

    place: Place | None = None
    host: str | None = HOST
    port: int = PORT
    hosts: Sequence[str] = ()
    token_file: str | None = None
    always_token: bool = False
    read_only: bool = False
    proc_dir: str | None = None
    config: str | None = None
    debug: bool = False
    mcp: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.hosts, str):
            raise ConfigError(f"hosts are several names: write hosts=({self.hosts!r},)")


def access_of(config: WebConfig) -> AccessConfig:
    """What the gate is to go by."""
    return AccessConfig(
        bound=config.host,
        hosts=tuple(config.hosts),
        token_file=find_token_file(config.token_file),
        read_only=config.read_only,
        always_token=config.always_token,
    )
