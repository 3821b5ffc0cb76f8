"""Calls as a program makes them. Each wrong one carries the error that a type checker must report; it runs nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from queuemgr import App, Backoff, Query, Snooze, State, track
from queuemgr.handle import AsyncHandle, Handle
from queuemgr.job import JobRecord
from queuemgr.service.operations.jobs import list_jobs
from queuemgr.service.operations.queues import list_queues

app = App("sqlite:///calls.db", attempts=5)


@app.task
def send(to: str, copies: int = 1) -> bool:
    return bool(to) and copies > 0


@app.task(queue="mail", timeout=timedelta(minutes=1), backoff=Backoff("fixed"))
def send_later(to: str, *, copies: int = 1) -> list[str]:
    return [to] * copies


@app.task
async def fetch(url: str) -> bytes:
    return url.encode()


@app.task(executor="pool")
async def fetch_apart(url: str) -> bytes:
    return url.encode()


@app.task
def poll(tries: int) -> int:
    if tries:
        raise Snooze(10)
    return tries


class Report:
    def __init__(self, year: int, *, full: bool = False) -> None:
        self.year = year
        self.full = full

    def run(self) -> dict[str, int]:
        return {"year": self.year}


class SlowReport:
    def __init__(self, year: int) -> None:
        self.year = year

    async def run(self) -> list[int]:
        return [self.year]


report = app.task(Report)
slow_report = app.task(queue="reports")(SlowReport)


def results_have_the_types_of_the_functions() -> None:
    assert_type(send.enqueue("ann"), Handle[bool])
    assert_type(send.enqueue("ann").result(), bool)
    assert_type(send.enqueue("ann").look(), JobRecord)
    assert_type(send_later.enqueue("ann", copies=2).result(timeout=1), list[str])
    assert_type(fetch.enqueue("https://example.org").result(), bytes)
    assert_type(fetch_apart.enqueue("https://example.org").result(), bytes)
    assert_type(poll.enqueue(3).result(), int)
    assert_type(report.enqueue(2026, full=True).result(), dict[str, int])
    assert_type(slow_report.enqueue(2026).result(), list[int])
    assert_type(send.using(priority=9, delay=60).enqueue("ann").result(), bool)
    assert_type(app.client.enqueue(send.call("ann")), Handle[bool])
    assert_type(app.client.enqueue_many([send.call("ann"), send.call("ben", 2)]), list[Handle[bool]])
    assert_type(app.client.enqueue_many([send.call("ann"), report.call(2026)]), list[Handle[object]])
    assert_type(list(track([1, 2])), list[int])


def direct_calls_stay_what_they_were() -> None:
    assert_type(send("ann"), bool)
    assert_type(send_later("ann", copies=2), list[str])
    assert_type(app.client.count(Query(states=(State.DEAD,))), int)


async def asynchronous_callers_have_the_same() -> None:
    assert_type(await fetch("https://example.org"), bytes)
    assert_type(await fetch.aenqueue("https://example.org"), AsyncHandle[bytes])
    assert_type(await (await fetch.aenqueue("https://example.org")).result(), bytes)
    assert_type(await (await send.aenqueue("ann")).result(), bool)
    assert_type(await app.aio.enqueue_many([fetch.call("https://example.org")]), list[AsyncHandle[bytes]])


async def operations_answer_with_the_keys_that_they_declare() -> None:
    page = await list_jobs(app.aio, limit=5)
    assert_type(page["jobs"][0]["progress"], float | None)
    assert_type((await list_queues(app.aio))["queues"][0]["paused"], bool)
    assert_type(page.get("scanned"), int | None)
    print(page["job"])  # type: ignore[typeddict-item]
    print(page["jobs"][0]["finished"])  # type: ignore[typeddict-item]


def wrong_arguments_are_errors() -> None:
    send.enqueue(1)  # type: ignore[arg-type]
    send.enqueue()  # type: ignore[call-arg]
    send.enqueue("ann", wrong=1)  # type: ignore[call-arg]
    send.enqueue("ann", copies="2")  # type: ignore[arg-type]
    send.call("ann", 1, 2)  # type: ignore[call-arg]
    send_later.enqueue("ann", 2)  # type: ignore[call-arg]
    fetch.enqueue(b"https://example.org")  # type: ignore[arg-type]
    report.enqueue("2026")  # type: ignore[arg-type]
    report.enqueue(2026, fulll=True)  # type: ignore[call-arg]
    slow_report.enqueue()  # type: ignore[call-arg]
    app.schedule("nightly", "@daily", send.call(1))  # type: ignore[arg-type]


def wrong_options_are_errors() -> None:
    send.using(queue=1)  # type: ignore[arg-type]
    send.using(que="mail")  # type: ignore[call-arg]
    send.using(tags="mail")  # type: ignore[arg-type]
    send.using(priority="high").enqueue("ann")  # type: ignore[arg-type]
    app.task(attempt=3)  # type: ignore[call-overload]
    App("sqlite:///calls.db", atempts=3)  # type: ignore[call-arg]
    app.work(bursts=True)  # type: ignore[call-arg]
    app.worker({"mail": 2}, concurrency="16")  # type: ignore[arg-type]


def wrong_uses_of_results_are_errors() -> list[object]:
    text: str = send.enqueue("ann").result()  # type: ignore[assignment]
    number: int = fetch.enqueue("https://example.org").result()  # type: ignore[assignment]
    handle: Handle[str] = report.enqueue(2026)  # type: ignore[assignment]
    return [text, number, handle]


@app.task
class Decorated(Report):
    """To type checkers a decorated class stays a class; the documentation says what to write instead."""


def a_decorated_class_has_no_types() -> None:
    Decorated.enqueue(2026)  # type: ignore[attr-defined]


async def forgotten_awaits_are_errors() -> None:
    fetch("https://example.org")  # type: ignore[unused-coroutine]
    fetch.aenqueue("https://example.org")  # type: ignore[unused-coroutine]
    await fetch.aenqueue(1)  # type: ignore[arg-type]
