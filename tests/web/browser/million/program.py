"""The workers of the great store: the first runs a few jobs for ever; run with the store's URL and a name."""

from __future__ import annotations

import sys
import time

from queuemgr import App, track

app = App(sys.argv[1] if len(sys.argv) > 1 else "sqlite:///jobs.db")


@app.task(queue="crawl", name="shop.crawl")
def crawl(site: str) -> None:
    """Runs until it is stopped."""
    for step in track(range(2000)):
        print(f"page {step} of {site}", flush=True)
        time.sleep(0.2)


@app.task(queue="odd", name="shop.odd")
def odd() -> None:
    """Nobody enqueues it."""


if __name__ == "__main__":
    name = sys.argv[2]
    if name == "crawler-1":
        for number in range(40):
            crawl.enqueue(f"shop{number}.example.org")
    app.work(queues={"crawl" if name == "crawler-1" else "aside": 1}, grace=0.0, name=name, concurrency=3)
