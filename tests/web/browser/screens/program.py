"""A small trade whose jobs fail in two ways, return what can be drawn, or run for ever; run with the store's URL."""

from __future__ import annotations

import base64
import sys
import time

from queuemgr import App, track

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

app = App(sys.argv[1] if len(sys.argv) > 1 else "sqlite:///jobs.db")


@app.task(queue="mail", attempts=1, name="yard.send")
def send(user: int) -> str:
    if user < 4:
        raise ConnectionError(f"the server of user{user}@example.org refused")
    return "sent"


@app.task(queue="payments", attempts=1, name="yard.charge")
def charge(order: int) -> None:
    raise ValueError(f"the card of order {order} was declined")


@app.task(queue="results", name="yard.orders")
def orders() -> list[dict[str, object]]:
    return [{"day": day, "orders": day * 7 % 50, "note": None if day % 3 else "holiday"} for day in range(1, 131)]


@app.task(queue="results", name="yard.numbers")
def numbers() -> list[int]:
    return [(index * 37) % 101 for index in range(300)]


@app.task(queue="results", name="yard.parts")
def parts() -> dict[str, object]:
    return {"model": "v3", "values": [1.5, 2.5, 4.0], "rows": [{"a": 1}, {"a": 2}]}


@app.task(queue="results", name="yard.picture")
def picture() -> bytes:
    return PICTURE


@app.task(queue="reports", name="yard.report")
def report(month: str) -> None:
    """Runs until it is stopped."""
    for _ in track(range(2000)):
        time.sleep(0.3)


def fill() -> None:
    for user in range(6):
        send.enqueue(user)
    for order in (1, 2):
        charge.enqueue(order)
    for task in (orders, numbers, parts, picture):
        task.enqueue()
    report.enqueue("2026-11")


if __name__ == "__main__":
    fill()
    app.work(queues={"mail": 1, "payments": 1, "results": 1, "reports": 1}, grace=0.0, name="yard-1", concurrency=4)
