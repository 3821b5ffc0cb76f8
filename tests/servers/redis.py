"""Redis: alone, as a replica, under a Sentinel, or as a cluster. It appends to a file what it is told."""

from __future__ import annotations

import socket

from .process import Server, until
from .programs import needed


class Redis(Server):
    """Parameters: further command line, for example `"--appendfsync", "always"`."""

    def __init__(self, *arguments: str) -> None:
        super().__init__()
        self._arguments = arguments

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "appendonly": "yes", "save": ""}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [needed("redis-server"), *words, *self._arguments]

    def answers(self) -> bool:
        return self.say("PING").startswith(("+PONG", "-NOAUTH"))

    def say(self, command: str) -> str:
        """The first line of the answer to an inline command, empty where there is none."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5.0) as connection:
                connection.sendall(f"{command}\r\n".encode())
                return connection.makefile().readline().rstrip()
        except OSError:
            return ""


class Sentinel(Redis):
    """Watches over one Redis under the name `queuemgr`, and makes a replica the master once that is silent."""

    def __init__(self, watched: Redis, silence: float = 1.0) -> None:
        super().__init__()
        lines = (
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self.folder}",
            f"sentinel monitor queuemgr 127.0.0.1 {watched.port} 1",
            f"sentinel down-after-milliseconds queuemgr {int(silence * 1000)}",
            "sentinel failover-timeout queuemgr 3000",
        )
        (self.folder / "sentinel.conf").write_text("\n".join(lines) + "\n")

    @property
    def master(self) -> int:
        """The port of the one that it takes for the master."""
        with socket.create_connection(("127.0.0.1", self.port), 5.0) as connection:
            connection.sendall(b"SENTINEL GET-MASTER-ADDR-BY-NAME queuemgr\r\n")
            answer = connection.makefile()
            return int([answer.readline() for _ in range(5)][4])

    def command(self) -> list[str]:
        return [needed("redis-server"), str(self.folder / "sentinel.conf"), "--sentinel"]


class Cluster:
    """Masters that share the slots."""

    def __init__(self, size: int = 3) -> None:
        self.nodes = [Redis("--cluster-enabled", "yes", "--cluster-node-timeout", "20000") for _ in range(size)]

    @property
    def url(self) -> str:
        return self.nodes[0].url.removesuffix("/0")

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        for number, node in enumerate(self.nodes):
            slots = range(number, 16384, len(self.nodes))
            assert node.say(f"CLUSTER ADDSLOTS {' '.join(map(str, slots))}") == "+OK"
            assert node.say(f"CLUSTER SET-CONFIG-EPOCH {number + 1}") == "+OK"
        for node in self.nodes[1:]:
            assert self.nodes[0].say(f"CLUSTER MEET 127.0.0.1 {node.port}") == "+OK"
        until(lambda: all(node.say("GET any").startswith(("$", "-MOVED")) for node in self.nodes))

    def close(self) -> None:
        for node in self.nodes:
            node.close()
