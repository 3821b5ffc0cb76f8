"""The store on a Redis or Valkey server, which many machines share."""

from __future__ import annotations

from queuemgr.errors import ConfigError

try:
    import redis as _redis  # noqa: F401 - only whether it is there
except ImportError as missing:
    raise ConfigError("a Redis store needs the package redis: pip install 'queuemgr[redis]'") from missing
