"""Fills a store with jobs of every state and goes on as their worker; run by the fixtures with the store's URL."""

from __future__ import annotations

import sys
import time

from queuemgr import App, Backoff, track

app = App(sys.argv[1] if len(sys.argv) > 1 else "sqlite:///jobs.db")


@app.task(queue="mail", attempts=2, backoff=Backoff("fixed", base=0.05))
def send_mail(to: str, user_id: int = 0) -> str:
    print(f"connecting to the server of {to}")
    if user_id % 2:
        raise ConnectionError(f"the server of {to} refused")
    return f"sent to {to}"


@app.task(queue="reports", name="shop.report")
def report(month: str) -> None:
    """Runs until it is stopped, and says how far it is."""
    for step in track(range(2000)):
        print(f"step {step} of {month}", flush=True)
        time.sleep(0.3)


@app.task(queue="payments", attempts=1)
def charge(order_id: int, amount: float) -> dict[str, object]:
    if order_id == 13:
        raise ValueError(f"the card of order {order_id} was declined")
    return {"order": order_id, "amount": amount, "items": ["A-1", "B-7"]}


@app.task(queue="attic")
def forgotten() -> None:
    """No worker looks after its queue."""


def fill() -> None:
    for number in range(4):
        send_mail.using(tags=("newsletter",)).enqueue(f"user{number}@example.org", user_id=number)
    for order in (12, 13):
        charge.enqueue(order_id=order, amount=19.5)
    report.enqueue("2026-11")
    send_mail.using(delay=3600).enqueue("later@example.org")
    send_mail.using(held=True).enqueue("held@example.org")
    forgotten.enqueue()


if __name__ == "__main__":
    fill()
    print("filled", flush=True)
    app.work(queues={"mail": 1, "reports": 1, "payments": 1}, grace=0.0)
