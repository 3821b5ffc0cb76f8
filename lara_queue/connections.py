"""Clients of Redis with settings that suit a worker. A queue takes any other client as well."""

from __future__ import annotations

from typing import Any

import redis
import redis.asyncio

URL = "redis://localhost:6379/0"


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "max_connections": 50,
        "socket_timeout": 60,
        "socket_connect_timeout": 10,
        "socket_keepalive": True,
        "health_check_interval": 30,
        **{name: value for name, value in given.items() if value is not None},
    }


class RedisConnectionFactory:
    """`settings` are those of redis-py's connection pool: `max_connections`, `socket_timeout` in seconds, and so on."""

    @staticmethod
    def create_connection_pool(redis_url: str = URL, **settings: Any) -> redis.ConnectionPool:
        return redis.ConnectionPool.from_url(redis_url, **_settings(_without_retry(settings)))

    @staticmethod
    def create_client(redis_url: str = URL, **settings: Any) -> redis.Redis:
        return redis.Redis.from_pool(RedisConnectionFactory.create_connection_pool(redis_url, **settings))


class AsyncRedisConnectionFactory:
    """The same for asyncio; its methods may be awaited."""

    @staticmethod
    async def create_connection_pool(redis_url: str = URL, **settings: Any) -> redis.asyncio.ConnectionPool:
        return redis.asyncio.ConnectionPool.from_url(redis_url, **_settings(_without_retry(settings)))

    @staticmethod
    async def create_client(redis_url: str = URL, **settings: Any) -> redis.asyncio.Redis:
        pool = await AsyncRedisConnectionFactory.create_connection_pool(redis_url, **settings)
        return redis.asyncio.Redis.from_pool(pool)


def create_redis_client(redis_url: str = URL, max_connections: int = 50, **settings: Any) -> redis.Redis:
    return RedisConnectionFactory.create_client(redis_url, max_connections=max_connections, **settings)


async def create_async_redis_client(
    redis_url: str = URL, max_connections: int = 50, **settings: Any
) -> redis.asyncio.Redis:
    return await AsyncRedisConnectionFactory.create_client(redis_url, max_connections=max_connections, **settings)


def _without_retry(settings: dict[str, Any]) -> dict[str, Any]:
    # redis-py retries after a timeout by itself now, and warns of the old setting.
    return {name: value for name, value in settings.items() if name != "retry_on_timeout"}
