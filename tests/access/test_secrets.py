"""What is marked as secret never leaves the manager: by no operation, command, socket, registry or log."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from queuemgr.app import App, load
from queuemgr.capture import Capture
from queuemgr.client import AsyncClient
from queuemgr.codec import Codec
from queuemgr.errors import BadArguments, QueuemgrError, ValidationError
from queuemgr.job import Job, State
from queuemgr.secret import DOTS, Secret
from queuemgr.service.cli.main import main
from queuemgr.service.failures import NotFound
from queuemgr.service.flatrecord import QUEUE, at_rest
from queuemgr.service.observe.alerting import Phase, Standing
from queuemgr.service.observe.config import Notify
from queuemgr.service.observe.delivering import Delivering
from queuemgr.service.operations import table
from queuemgr.service.operations.operation import Operation
from queuemgr.service.operations.request import Request, Word
from queuemgr.service.payloads import large_value, untagged
from queuemgr.store import Query
from queuemgr.stores.sqlite.store import SqliteStore
from tests.host.rig import Service

HIDDEN = "correct-horse"
PROGRAM = """
from __future__ import annotations
import logging
from queuemgr import App, Secret

app = App("sqlite:///{folder}/shop.db", format="{form}")

@app.task
def pay(card: Secret[str], note: str = "") -> dict[str, object]:
    return {{"paid": True, "receipt": card, "rows": [{{"card": card, "n": 1}}]}}

@app.task
def report(card: Secret[str]) -> list[dict[str, object]]:
    return [{{"n": n, "card": card, "text": "x" * 300}} for n in range(4000)]

@app.task(attempts=1)
def fail(card: Secret[str], cards: list[Secret[str]] | None = None) -> None:
    print("the card", card)
    logging.getLogger("shop").warning("the cards %s", [card])
    raise ValueError(f"no such card {{card!r}} {{card}}")
"""


@dataclass(slots=True)
class Shop:
    module: str
    app: App
    jobs: dict[str, str]

    @property
    def path(self) -> str:
        return f"{self.module}:app"

    def task(self, name: str) -> Any:
        return self.app.tasks[f"{self.module}.{name}"]


@pytest.fixture(scope="module", params=["json", "msgpack"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Jobs that have a secret in all places in which one can be, and have run."""
    folder = tmp_path_factory.mktemp("shop")
    module = f"secret_shop_{request.param}"
    (folder / f"{module}.py").write_text(PROGRAM.format(folder=folder, form=request.param))
    sys.path.insert(0, str(folder))
    made = Shop(module, load(f"{module}:app"), {})
    card = Secret(HIDDEN)
    for name in ("pay", "report", "fail"):
        made.jobs[name] = made.task(name).enqueue(card).id
    with Capture():
        asyncio.run(_work(made.app))
    made.jobs["waiting"] = made.task("fail").using(unique=True, queue="later").enqueue(card, cards=[card]).id
    call = made.task("pay").call(card, note="hello")
    made.app.client.run(made.app.aio.schedule("nightly", "0 3 * * *", call), "schedule")
    yield made
    made.app.close()
    sys.path.remove(str(folder))


async def _work(app: App) -> None:
    await app.worker(burst=True).run()
    await app.aio.store.close()


class NobodyRuns:
    """A service in which no job runs."""

    pid = 1

    def is_suspended(self, job_id: str) -> bool:
        return False

    async def inspect_job(self, job_id: str) -> None:
        return None

    def job_classes(self) -> list[str]:
        return []

    def facts(self) -> dict[str, Any]:
        return {"store": f"postgresql://ann:{HIDDEN}@db/jobs"}


LOOKING = [one for one in table.OPERATIONS.values() if not one.changes and "tokens" not in one.given]
BY_NAME: dict[str, Any] = {"timeout": 0, "verb": "retry", "name": "nightly", "count": 3}


def arguments_for(operation: Operation, job_id: str) -> dict[str, Any]:
    usual = BY_NAME | {"job_id": job_id, "job_ids": [job_id], "query": Query()}
    needed = [one.name for one in operation.parameters.values() if one.required or one.name == "timeout"]
    assert set(needed) <= usual.keys(), f"say here how {operation.name} is asked"
    return {name: usual[name] for name in needed}


@pytest.mark.parametrize("operation", LOOKING, ids=lambda one: one.name)
def test_no_operation_that_looks_tells_a_secret(shop: Shop, operation: Operation) -> None:
    async def told() -> list[str]:
        answers = []
        for job_id in shop.jobs.values():
            try:
                answer: Any = await table.call(
                    operation.name,
                    arguments_for(operation, job_id),
                    shop.app.aio,
                    NobodyRuns(),
                    shop.app,  # type: ignore[arg-type]
                )
            except (QueuemgrError, ValueError) as error:  # jobs of classes are always JSON, and these are none
                answer = [str(error), vars(error)]
            answers.append(msgspec.json.encode(answer, enc_hook=str).decode())
        return answers

    answers = shop.app.client.run(told(), "told")
    assert len(answers) == len(shop.jobs)
    for answer in answers:
        assert HIDDEN not in answer


def test_these_jobs_do_hold_their_secrets(shop: Shop) -> None:
    """Otherwise the tests beside this one would see nothing that could leak."""
    assert shop.app.client.handle(shop.jobs["pay"]).result()["receipt"].reveal() == HIDDEN
    assert shop.app.client.handle(shop.jobs["report"]).result()[3999]["card"].reveal() == HIDDEN
    assert shop.app.client.get(shop.jobs["fail"]).state is State.DEAD
    for job_id in shop.jobs.values():
        data = shop.app.client.run(shop.app.aio.store.arguments(job_id), "arguments")
        assert HIDDEN.encode() in data


def test_a_secret_that_is_shown_is_dots_and_the_rest_is_there(shop: Shop) -> None:
    async def ask(name: str, **arguments: Any) -> Any:
        return await table.call(name, arguments, shop.app.aio)

    run = shop.app.client.run
    small = run(ask("jobs.show", job_id=shop.jobs["pay"]), "show")
    assert untagged(small["arguments"]["positional"]) == [DOTS]
    assert untagged(small["result"]["value"]) == {"paid": True, "receipt": DOTS, "rows": [{"card": DOTS, "n": 1}]}
    large = run(ask("jobs.show", job_id=shop.jobs["report"]), "show")
    assert len(large["result"]["value"]) == 4000
    assert untagged(large["result"]["value"][7]) == {"n": 7, "card": DOTS, "text": "x" * 300}


@pytest.mark.parametrize("words", [["horse"], ["args.card:correct-horse"], ["args:correct-horse"], [HIDDEN]])
def test_nobody_can_find_out_a_secret_by_searching_for_it(shop: Shop, words: list[str]) -> None:
    """Whether a job is found must not depend on what its secret is."""

    async def ask() -> Any:
        return await table.call("jobs.list", {"search": " ".join(words)}, shop.app.aio)

    assert shop.app.client.run(ask(), "ask")["jobs"] == []


@pytest.mark.parametrize(
    "words",
    [
        *(["jobs", verb, "{job}"] for verb in ("show", "wait", "logs", "arguments", "result")),
        ["jobs", "list"],
        ["why", "{job}"],
        ["failures"],
        ["schedules", "list"],
        ["monitor", "--once"],
        ["audit"],
    ],
    ids=" ".join,
)
def test_no_command_prints_a_secret(shop: Shop, words: list[str]) -> None:
    printed = []
    for job in ("pay", "report", "fail"):
        for more in ([], ["--json"]):
            given = [word.format(job=shop.jobs[job]) for word in words]
            result = CliRunner().invoke(main, [*given, *more, "--app", shop.path])
            assert result.exit_code in (0, 1), result.output
            printed.append(result.output)
    assert any(printed)
    assert HIDDEN not in "".join(printed)


def test_a_secret_that_is_typed_reaches_the_task_and_nothing_else(shop: Shop) -> None:
    called = CliRunner().invoke(main, ["enqueue", f"{shop.module}.pay", HIDDEN, "note=x", "--json", "--app", shop.path])
    assert called.exit_code == 0, called.output
    assert HIDDEN not in called.output
    job_id = json.loads(called.stdout)["id"]
    assert shop.app.client.arguments(job_id)[0] == [Secret(HIDDEN)]
    listed = CliRunner().invoke(main, ["audit", "--json", "--app", shop.path])
    assert json.loads(listed.stdout)["entries"][0]["outcome"]["id"] == job_id
    assert HIDDEN not in listed.output


WRONG: list[Any] = [
    Request("pay", (Word([HIDDEN]),), {"nothing": Word(HIDDEN)}),
    Request("fail", (Word(HIDDEN),), {"cards": Word(HIDDEN)}),
    Request("fail", (Word({"$": "secret", "v": HIDDEN}),), {"cards": Word({"$": "secret", "v": HIDDEN})}),
]


@pytest.mark.parametrize("request_", WRONG)
def test_a_refused_call_does_not_show_what_was_meant_for_a_secret(shop: Shop, request_: Request) -> None:
    async def ask() -> None:
        fitted = Request(f"{shop.module}.{request_.task}", request_.positional, request_.named)
        await table.call("jobs.enqueue", {"request": fitted}, shop.app.aio, app=shop.app)

    with pytest.raises(BadArguments) as refused:
        shop.app.client.run(ask(), "ask")
    assert HIDDEN not in str(refused.value)


def test_a_request_of_the_wrong_form_is_refused_without_quoting_it(shop: Shop) -> None:
    async def ask() -> None:
        await table.call(
            "jobs.enqueue", {"request": {"task": 1, "named": HIDDEN, "positional": [HIDDEN]}}, shop.app.aio
        )

    with pytest.raises(ValidationError) as refused:
        shop.app.client.run(ask(), "ask")
    assert HIDDEN not in str(refused.value)


def test_a_value_that_is_marked_stays_secret_where_nobody_knows_the_task(shop: Shop) -> None:
    async def ask(value: Any) -> Any:
        request = {"task": "else.where", "positional": [{"value": {"deep": [value]}}], "options": {"queue": "later"}}
        sent = await table.call("jobs.enqueue", {"request": request}, shop.app.aio)
        return await table.call("jobs.show", {"job_id": sent["id"]}, shop.app.aio)

    run = shop.app.client.run
    shown = run(ask({"$": "secret", "v": HIDDEN}), "ask")
    assert shown["arguments"]["positional"] == [{"deep": [{"$": "secret", "v": DOTS}]}]
    assert shop.app.client.arguments(shown["job"]["id"]) == [[{"deep": [Secret(HIDDEN)]}]]
    with pytest.raises(BadArguments, match="send its value"):
        run(ask({"$": "secret", "v": DOTS}), "ask")


def test_a_secret_is_dots_whether_it_was_read_or_not() -> None:
    assert untagged([{"$": "secret", "v": HIDDEN}, Secret(HIDDEN)]) == [DOTS, DOTS]
    data = Codec().encode([{"card": Secret(HIDDEN)}, Secret({"x": HIDDEN})])
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in msgspec.json.decode(data))
    assert HIDDEN not in str(large_value(lines, "list"))
    assert HIDDEN not in str(large_value(data, "value"))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """One whose store has a job of its own with secrets, from before it began."""
    made = Service(tmp_path)
    codec = Codec()
    large = codec.encode({"rows": [{"card": Secret(HIDDEN), "text": "x" * 100} for _ in range(3000)]})
    results = {"small": codec.encode({"card": Secret(HIDDEN), "ok": True}), "large": large}

    async def fill() -> None:
        store = SqliteStore(made.config.url)
        args = codec.encode([["id", {"card": Secret(HIDDEN)}]])
        jobs = [Job(id=name, task="shop.Pay", args=args, queue=QUEUE, created_at=1e9) for name in results]
        await store.restore([at_rest(job, State.SUCCEEDED, (1e9, 2e9), None, results[job.id]) for job in jobs])
        await store.close()

    asyncio.run(fill())
    yield made.begin()
    made.close()


def test_the_socket_and_the_registry_tell_no_secret(service: Service) -> None:
    told = []
    for operation in LOOKING:
        for job_id in ("small", "large"):
            try:
                told.append(str(service.ask(operation.name, **_plain(arguments_for(operation, job_id)))))
            except (NotFound, QueuemgrError) as error:
                told.append(f"{error} {vars(error)}")
    assert len(told) == 2 * len(LOOKING)
    assert any(DOTS in one for one in told)
    for one in told:
        assert HIDDEN not in one
    service.close()
    lines = service.config.registry.read_text()
    assert '"job_id":"small"' in lines
    assert HIDDEN not in lines


def _plain(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: {} if isinstance(value, Query) else value for name, value in arguments.items()}


def test_no_log_of_the_manager_tells_a_secret(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        shop.task("fail").enqueue(Secret(HIDDEN))
        asyncio.run(_work(shop.app))
    assert HIDDEN not in caplog.text


def test_whoever_looks_at_alerts_reads_no_secret_of_those_who_are_told(app_url: str) -> None:
    """The targets are called by their names in the store, and an error there may quote what was tried."""
    targets = [
        Notify(webhook=f"https://user:{HIDDEN}@127.0.0.1:9/{HIDDEN}?key={HIDDEN}", secret=HIDDEN, timeout=1.0),
        Notify(email=("a@example.com",), server=f"smtp://user:{HIDDEN}@127.0.0.1:9", timeout=1.0),
        Notify(command=("/no/such/program", HIDDEN)),
    ]
    standing = Standing(
        rule="failed > 1",
        queue=None,
        severity="warning",
        metric="failed",
        operator=">",
        threshold=1.0,
        state=Phase.FIRING,
        since=1e9,
        fired_at=1e9,
        value=2.0,
    )

    async def scene() -> str:
        store = SqliteStore(app_url)
        client = AsyncClient(lambda: store, Codec())
        telling = Delivering(store, "store", sleep=lambda _: asyncio.sleep(0))
        telling.targets = tuple(targets)
        await telling.look({"failed > 1": standing}, [])
        await asyncio.wait_for(asyncio.gather(*telling._running), 30)
        told = await table.call("alerts.list", {}, client)
        await store.close()
        assert {one["target"].split()[0] for one in told["deliveries"]} == {"webhook", "email", "command"}
        assert all(one["error"] for one in told["deliveries"])
        return json.dumps(told)

    assert HIDDEN not in asyncio.run(scene())


@pytest.fixture
def app_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/alerts.db"
