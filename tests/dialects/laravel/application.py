"""Laravel's real queue component as a peer: a producer and a worker in PHP processes, from Debian's packages."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis

from queuemgr.dialects.laravel.keys import Keys
from tests.servers.process import PATIENCE, until

APP = Path(__file__).parent / "php" / "app.php"
APP_KEY = "base64:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@dataclass(slots=True)
class Application:
    """A Laravel application on the Redis behind the URL of a store."""

    url: str
    folder: Path
    task: str = "App\\Jobs\\Greet"

    @property
    def keys(self) -> Keys:
        return Keys(parse_qs(urlsplit(self.url).query)["prefix"][0])

    @property
    def redis(self) -> redis.Redis:
        parts = urlsplit(self.url)
        return redis.Redis(parts.hostname or "", parts.port or 0)

    def send(self, arguments: dict[str, Any], delay: int = 0) -> None:
        self.tell("send", json.dumps(arguments), str(delay))

    def work(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.tell("work").splitlines()]

    def begin_and_die(self) -> None:
        self.send({"name": "hang"})
        sign = self.folder / "began"
        worker = subprocess.Popen(["php", APP, "work"], env={**self.environment(), "TOUCH": str(sign)})
        try:
            until(sign.exists)
        finally:
            worker.kill()
            worker.wait()

    def forget_reservations(self) -> None:
        reserved = self.keys.queue("default").reserved
        with self.redis as client:
            for member in client.zrange(reserved, 0, -1):
                client.zadd(reserved, {member: 1.0}, xx=True)

    def tell(self, *words: str) -> str:
        """What the application prints in answer to these words."""
        done = subprocess.run(
            ["php", APP, *words], env=self.environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def environment(self) -> dict[str, str]:
        return {**os.environ, "REDIS_PORT": str(urlsplit(self.url).port), "REDIS_PREFIX": self.keys.prefix}
