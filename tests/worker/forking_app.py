"""Tasks that fork: what such a process is sent, and how it ends, is no affair of the worker."""

from __future__ import annotations

import multiprocessing
import os
import time

from queuemgr import App

app = App(os.environ.get("FORKING_STORE", "sqlite:///not-there.db"), attempts=1)


def pooled() -> list[int]:
    # Leaving the block sends SIGTERM to both processes and waits for them.
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(abs, [-1, -2])


def comes_back() -> str:
    parent = os.getpid()
    child = os.fork()
    if not child:
        return "the child"
    os.waitpid(child, 0)
    return "the parent" if os.getpid() == parent else "nobody"


@app.task(executor="thread", timeout=60, name="pooled_in_a_thread")
def pooled_in_a_thread() -> list[int]:
    return pooled()


@app.task(timeout=60, name="pooled_in_the_loop")
async def pooled_in_the_loop() -> list[int]:
    return pooled()


@app.task(executor="thread", name="comes_back_in_a_thread")
def comes_back_in_a_thread() -> str:
    return comes_back()


@app.task(name="comes_back_in_the_loop")
async def comes_back_in_the_loop() -> str:
    return comes_back()


@app.task(executor="pool", name="comes_back_in_the_pool")
def comes_back_in_the_pool() -> str:
    return comes_back()


@app.task(executor="pool", name="next_one")
def next_one() -> str:
    time.sleep(0.01)
    return "the next one"


if __name__ == "__main__":
    app.work(burst=True, concurrency=1)
