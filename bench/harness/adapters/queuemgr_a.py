"""The product's adapter for the peers' harness: the same job bodies, through the store that the row names."""

from __future__ import annotations

import os

import common as C  # type: ignore[import-not-found]

from queuemgr import App

LEVEL = "?durability=full" if "full" in C.SET else ""
app = App(C.REDIS_URL if "redis" in C.SET else f"sqlite:///{C.SQLITE}{LEVEL}")
KINDS = C.ASYNC if "async" in C.SET else C.SYNC
EXECUTOR = next((kind for kind in ("async", "thread", "process", "pool") if kind in C.SET), None)
tasks = {name: app.task(name=name, executor=EXECUTOR)(body) for name, body in KINDS.items()}


class A(C.Base):
    def open(self):
        app.client.queues()

    def put(self, kind, i):
        tasks[kind].enqueue(i)

    def put_many(self, kind, ids):
        app.client.enqueue_many(tasks[kind].calls((i,) for i in ids))

    def result(self, mb):
        return tasks["big"].enqueue(mb).result(60)


if __name__ == "__main__":
    os.umask(0o077)
    C.main(A)
