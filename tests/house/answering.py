"""A store, and a service, with something of everything in them, asked for every operation. Holds no test."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queuemgr import App, Secret
from queuemgr.errors import QueuemgrError
from queuemgr.liveness import birth_of, this_host
from queuemgr.service.desk import Desk, Visitor
from queuemgr.service.observe.alerting import Phase, Standing
from queuemgr.service.observe.standing import Alerts, Delivery
from queuemgr.service.operations.operation import Scope
from queuemgr.service.operations.previews import preview
from queuemgr.service.operations.table import find
from queuemgr.store import Claim, Report, WorkerInfo
from tests.host.rig import JOBS, Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from queuemgr.job import Lease

Answers = list[tuple[str, Any]]
"""Names of operations and what they answered, in turn; and what was told of those that change something before."""

WORKER = "w1"
MANY = [{"id": number, "name": f"item {number}"} for number in range(4000)]
REQUEST = {"task": "shop.add", "positional": [{"value": 1}, {"value": 2}]}


def would(name: str) -> str:
    """The name under which answers have what that operation would do."""
    return f"what {name} would do"


@contextmanager
def all_answers(folder: Path) -> Iterator[Answers]:
    """What every operation answers, most of them several times, while the service that answered some still runs."""
    service = Service(folder).begin()
    try:
        yield [*store_answers(folder), *service_answers(service)]
    finally:
        service.close()


def store_answers(folder: Path) -> Answers:
    """Of all operations that need no service."""
    app = App(f"sqlite:///{folder}/jobs.db")
    try:
        return asyncio.run(_asked_of_store(app, folder))
    finally:
        app.close()


async def _asked_of_store(app: App, folder: Path) -> Answers:
    jobs = await _scene(app)
    answers: Answers = []
    visitor = Visitor("ann", Scope.ADMINISTER, "cli")
    with_app = Desk(app.aio, app, token_file=folder / "tokens.json")
    without_app = Desk(app.aio, token_file=folder / "tokens.json")
    left = {name: job_id for name, job_id in jobs.items() if name != "alike"}
    for name, arguments in (*_looks(jobs), *_changes(jobs), *_looks(left)):
        for desk in (with_app, without_app) if name == "tasks.list" else (with_app,):
            try:
                if find(name).changes:
                    answers.append((would(name), await preview(partial(desk.ask, visitor=visitor), name, arguments)))
                answers.append((name, await desk.ask(name, arguments, visitor)))
            except QueuemgrError as error:
                raise AssertionError(f"{name} with {arguments}: {error}") from error
    await app.aio.store.close()
    return answers


def _looks(jobs: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    ids = list(jobs.values())
    of_each = ("jobs.show", "jobs.why", "jobs.arguments", "jobs.result", "jobs.output")
    return [
        ("overview", {}),
        ("jobs.list", {}),
        ("jobs.list", {"search": "task:shop.fail address"}),
        ("jobs.list", {"search": "state:dead"}),
        *((name, {"job_id": job_id}) for name in of_each for job_id in ids),
        ("jobs.result", {"job_id": jobs["many"], "offset": -5}),
        ("jobs.result", {"job_id": jobs["lists"], "at": "few"}),
        ("jobs.wait", {"job_ids": ids, "timeout": 0.0}),
        ("jobs.count", {"verb": "retry", "query": {}}),
        ("jobs.complete", {"text": "state:d"}),
        ("failures.list", {}),
        ("failures.list", {"most": 1, "query": {"tag": "tagged"}}),
        ("queues.list", {}),
        ("schedules.list", {}),
        ("schedules.preview", {"name": "every day", "rule": "0 4 * * *", "zone": "Europe/Berlin"}),
        ("workers.list", {}),
        ("tasks.list", {}),
        ("store.info", {}),
        ("audit.list", {}),
        ("audit.list", {"limit": 2}),
        ("tokens.list", {}),
        ("metrics", {}),
        ("history", {}),
        ("history", {"queue": "default"}),
        ("alerts.list", {}),
    ]


def _changes(jobs: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("jobs.enqueue", {"request": REQUEST}),
        ("jobs.enqueue", {"request": REQUEST | {"options": {"queue": "nobody's"}}}),
        ("jobs.rerun", {"job_id": jobs["dead"]}),
        ("jobs.change", {"verb": "retry", "job_ids": [jobs["dead"], jobs["running"], "nobody"]}),
        ("jobs.change", {"verb": "delete", "job_ids": [jobs["alike"]]}),
        ("jobs.change", {"verb": "cancel", "job_ids": [jobs["running"]]}),
        ("jobs.enqueue", {"request": REQUEST | {"options": {"tags": ["tagged"]}}}),
        ("jobs.change_matching", {"verb": "hold", "query": {"tag": "tagged"}}),
        ("jobs.prioritise", {"query": {"tag": "tagged"}, "priority": 7}),
        ("queues.pause", {"names": ["default"]}),
        ("queues.limit", {"names": ["mail"], "running": 3}),
        ("queues.resume", {"names": ["default"]}),
        ("queues.drain", {"names": ["nobody's"]}),
        ("schedules.add", {"name": "beat", "rule": "every 10s", "request": REQUEST, "zone": "UTC", "missed": "once"}),
        ("schedules.change", {"name": "beat", "rule": "*/5 * * * *", "zone": "Europe/Berlin"}),
        ("schedules.pause", {"name": "beat", "paused": True}),
        ("schedules.run", {"name": "every day"}),
        ("schedules.remove", {"name": "beat"}),
        ("workers.quiet", {"worker_id": WORKER}),
        ("workers.resume", {"worker_id": WORKER}),
        ("workers.stop", {"worker_id": WORKER, "grace": 1.0}),
        ("store.prune", {}),
        ("alerts.add", {"rule": "queue_length > 10", "queue": "*", "lasting": "5m"}),
        ("alerts.add", {"rule": "dead > 0"}),
        ("alerts.silence", {"rule": "dead > 0", "duration": 60.0, "why": "known"}),
        ("alerts.silence", {"rule": "queue_length > 10", "duration": 0.0}),
        ("alerts.remove", {"rule": "queue_length > 10"}),
        ("tokens.add", {"name": "bob", "scope": "operate", "lifetime": 60.0, "limit": 5}),
        ("tokens.add", {"name": "eve"}),
        ("tokens.remove", {"name": "eve"}),
    ]


async def _scene(app: App) -> dict[str, str]:
    """The ids of jobs in every state, and of those with results and output of every kind."""
    tasks = _tasks(app)
    made = {name: await task.aenqueue(*arguments) for name, (task, arguments) in tasks.items()}
    await app.worker(burst=True).run()
    add, _ = tasks["succeeded"]
    now, later, aside = time.time(), add.using(delay=600.0), add.using(held=True, unique="once")
    made |= {"scheduled": await later.aenqueue(1, 2), "held": await aside.aenqueue(1, 2)}
    made["cancelled"] = await add.aenqueue(3, 4)
    await app.aio.cancel(made["cancelled"].id)
    made["running"] = await add.using(queue="mail", tags=("tagged",)).aenqueue(1, 2)
    await _run_somewhere(app, now)
    made["parked"] = await add.using(queue="mail").aenqueue(1, 2)
    await app.aio.store.claim(Claim(worker=WORKER, queues=(("mail", 1),), limit=1, tasks=frozenset({"other"})))
    made["ready"] = await add.aenqueue(5, 6)
    await app.aio.schedule("every day", "0 4 * * *", add.call(1, 2))
    await app.aio.schedule("pulse", "every 1h", add.call(1, 2))
    await app.aio.limit("mail", 1)
    await _alert(app, now)
    return {name: handle.id for name, handle in made.items()}


def _tasks(app: App) -> dict[str, Any]:
    @app.task(name="shop.add", attempts=1)
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    @app.task(name="shop.fail", attempts=1)
    def fail(order: int) -> None:
        print("now it fails")
        raise ValueError(f"order {order} has no address")

    @app.task(name="shop.pay", attempts=1, timeout=5.0)
    def pay(card: Secret[str], on: Any) -> dict[str, Any]:
        return {"few": [1, 2, 3], "day": on}

    @app.task(name="shop.list", attempts=1)
    def everything() -> list[Any]:
        return MANY

    @app.task(name="shop.join", attempts=1)
    def join(first: str, second: str) -> str:
        return first + second

    from datetime import date

    paid = (pay, (Secret("4111"), date(2026, 12, 1)))
    return {"succeeded": (add, (1, 2)), "dead": (fail, (1,)), "alike": (fail, (2,))} | {
        "lists": paid,
        "many": (everything, ()),
        "large": (join, ("x" * 300_000, "y")),
    }


async def _run_somewhere(app: App, now: float) -> None:
    """A worker that lives, which runs a job that said something and has not ended its last line."""
    pid = os.getpid()
    info = WorkerInfo(
        id=WORKER,
        host=this_host(),
        pid=pid,
        birth=birth_of(pid) or 0,
        queues=("default", "mail"),
        tasks=("shop.add", "other"),
        concurrency=4,
        started_at=now,
        beat_at=now,
    )
    store = app.aio.store
    await store.join(info)
    claim = Claim(worker=WORKER, queues=(("mail", 1),), limit=1, tasks=frozenset({"shop.add"}))
    (lease,) = (await store.claim(claim)).leases
    await store.report([_said(lease, now)])


def _said(lease: Lease, now: float) -> Report:
    output = [(now, "stdout", "a line\n"), (now, "stderr", "half"), (now, "log", "a record")]
    return Report(lease=lease, progress=40.0, note="on its way", output=output)


async def _alert(app: App, now: float) -> None:
    kept = Alerts(app.aio.store)
    standing = Standing(
        rule="dead > 0",
        queue=None,
        metric="dead",
        operator=">",
        threshold=0.0,
        severity="warning",
        state=Phase.FIRING,
        since=now,
        value=2.0,
        fired_at=now,
    )
    await kept.replace_state({standing.key: standing})
    await kept.record(Delivery(at=now, target="https://example.com", rule="dead > 0", queue=None, event="firing"))


def service_answers(service: Service) -> Answers:
    """Of all operations that a running service is asked for."""
    answers: Answers = []

    async def look(name: str, arguments: Mapping[str, Any]) -> Any:
        return service.ask(name, **arguments)

    def ask(name: str, **arguments: Any) -> Any:
        if find(name).changes:
            answers.append((would(name), asyncio.run(preview(look, name, arguments))))
        answers.append((name, service.ask(name, **arguments)))
        return answers[-1][1]

    _jobs_that_end(ask)
    _one_that_runs(service, ask)
    for name in ("service.status", "service.reload", "job.classes", "job.list"):
        ask(name)
    ask("job.list", status_filter="deleted", limit=1)
    ask("service.shutdown")
    return answers


def _jobs_that_end(ask: Any) -> None:
    for job_id, kind, params in (
        ("echo", "Echo", {"success": False, "error": "no"}),
        ("large", "Echo", {"items": list(range(20_000))}),
        ("fails", "Failing", {"note": os.devnull}),
        ("prints", "Printing", {}),
        ("left", "Nothing", {}),
    ):
        ask("job.add", job_class=f"{JOBS}.{kind}", job_id=job_id, params=params)
        ask("job.start", job_id=job_id)
        ask("job.wait", job_id=job_id, timeout=60.0)
        ask("job.status", job_id=job_id, whole=1024)
        ask("job.logs", job_id=job_id)
    ask("job.page", job_id="large", at="items", offset=-3)
    ask("job.add", job_class=f"{JOBS}.Nothing", job_id="waits")
    ask("job.status", job_id="waits")
    ask("job.delete", job_id="echo")
    ask("job.status", job_id="echo")
    ask("job.purge", job_id="left")


def _one_that_runs(service: Service, ask: Any) -> None:
    service.add("Sleeping", "runs", note=str(service.note()))
    service.began()
    for name in ("job.inspect", "job.suspend", "job.status", "job.inspect", "job.resume", "job.stop", "job.restart"):
        ask(name, job_id="runs")
    ask("job.stop", job_id="runs", wait=False)
