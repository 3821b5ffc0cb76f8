"""How the gate is set up, and whether that is enough for where a page is opened. It opens nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr.clock import SystemClock
from queuemgr.errors import ConfigError

from .hosts import ANY, is_loopback
from .tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.clock import Clock

TOKEN_FILE = "tokens.json"
VARIABLE = "QUEUEMGR_TOKEN_FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessConfig:
    """`bound` is the address at which the page is opened, None where somebody else's server opens it.

    `hosts` are the names that it answers to beside those of this machine alone. With `always_token` not even loopback
    is open. `login_attempts` may fail from one address in `login_window` seconds.
    """

    bound: str | None = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    token_file: Path = field(default_factory=lambda: find_token_file(None))
    read_only: bool = False
    always_token: bool = False
    login_attempts: int = 5
    login_window: float = 60.0
    clock: Clock = field(default_factory=SystemClock)

    def tokens(self) -> Tokens:
        return Tokens(self.token_file, self.clock.now)

    @property
    def names(self) -> tuple[str, ...]:
        """All names to answer to that are not of loopback."""
        own = () if self.bound is None or self.bound in ANY or is_loopback(self.bound) else (self.bound,)
        return (*self.hosts, *own)


def find_token_file(given: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """What is given, what the environment says, or else beside the other files of this user's service."""
    if told := given or environment.get(VARIABLE):
        return Path(told).expanduser().absolute()
    from queuemgr.service.daemon.settings import usual_places

    return Path(usual_places()["registry_path"]).with_name(TOKEN_FILE)


def require_token_or_loopback(host: str, config: AccessConfig) -> None:
    """Raises ConfigError where a page at this address would be open to others than this machine."""
    if is_loopback(host) and not config.always_token:
        return
    if not config.tokens().any():
        where = f"{host} can be reached from other machines" if not is_loopback(host) else "a token was asked for"
        raise ConfigError(
            f"{where}, and there is no token in {config.token_file}: "
            "make one by queuemgr token add NAME --scope read, or open the page at 127.0.0.1"
        )
