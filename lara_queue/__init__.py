"""Queues of Laravel's for Python: send jobs to its workers, and run what it dispatches. Workers need Linux."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from .aio import AsyncQueue
from .base import BaseQueue
from .connections import (
    AsyncRedisConnectionFactory,
    RedisConnectionFactory,
    create_async_redis_client,
    create_redis_client,
)
from .emitter import AsyncIOEventEmitter, EventEmitter
from .metrics import AsyncMetricsCollector, MetricsCollector
from .retry import RetryConfig, RetryStrategy
from .sync import Queue

__all__ = [
    "AsyncIOEventEmitter",
    "AsyncMetricsCollector",
    "AsyncQueue",
    "AsyncRedisConnectionFactory",
    "BaseQueue",
    "EventEmitter",
    "MetricsCollector",
    "Queue",
    "RedisConnectionFactory",
    "RetryConfig",
    "RetryStrategy",
    "__version__",
    "create_async_redis_client",
    "create_redis_client",
]

try:
    __version__ = version("queuemgr")
except PackageNotFoundError:
    __version__ = "0.0.0"
