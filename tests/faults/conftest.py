"""What every test of faults gets: a server of its own, of each kind, and a scene on it. Holds no checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.scene import Scene
from tests.servers.postgres import Postgres
from tests.servers.process import Server
from tests.servers.proxy import Proxy
from tests.servers.redis import Redis

pytest.register_assert_rewrite("tests.faults.load")


@pytest.fixture(params=["redis", "postgres"])
def server(
    request: pytest.FixtureRequest, own_redis: Callable[..., Redis], own_postgres: Callable[..., Postgres]
) -> Server:
    """One that loses nothing that it has acknowledged."""
    return own_redis("--appendfsync", "always") if request.param == "redis" else own_postgres()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def scene(tmp_path: Path, server: Server) -> Iterator[Scene]:
    """The test itself reaches the server without a proxy."""
    scene = Scene(tmp_path, server.url)
    try:
        yield scene
    finally:
        scene.close()


@pytest.fixture
def roundabout(server: Server, proxy: Proxy) -> str:
    """The address of the same store by way of the proxy."""
    return server.url.replace(f":{server.port}/", f":{proxy.port}/")
