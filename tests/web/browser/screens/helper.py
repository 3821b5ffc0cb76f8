"""A worker of its own for the test that stops it; run with the store's URL."""

from __future__ import annotations

import sys

from queuemgr import App

app = App(sys.argv[1] if len(sys.argv) > 1 else "sqlite:///jobs.db")


@app.task(queue="odd", name="yard.odd")
def odd() -> None:
    """Nobody enqueues it."""


if __name__ == "__main__":
    app.work(queues={"odd": 1}, name="helper-1", concurrency=2)
