"""The store in a PostgreSQL database. Needs psycopg, which the extra `postgres` brings along."""

from __future__ import annotations

from queuemgr.errors import ConfigError

try:
    import psycopg as psycopg
except ImportError as error:
    raise ConfigError(
        "a postgresql:// store needs psycopg, which is not installed: pip install 'queuemgr[postgres]'"
    ) from error
