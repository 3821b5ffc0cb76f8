"""The table of operations: complete, without doubles, and careful with what comes from outside."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.client import AsyncClient
from queuemgr.codec import Codec
from queuemgr.errors import ServiceNotRunning, ValidationError
from queuemgr.job import State
from queuemgr.service import operations, told
from queuemgr.service.failures import Misused, NotFound
from queuemgr.service.operations import table
from queuemgr.service.operations.operation import GIVEN
from queuemgr.store import Query
from queuemgr.stores.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


ASKED_BEFORE = {"count_drained"}
"""What the command line asks before it carries an operation out, and no other face does."""


def public() -> list[Callable[..., Any]]:
    """Every operation that the modules hold: a coroutine function of a client or a service with a declared answer."""
    found = []
    for module in pkgutil.iter_modules(operations.__path__, f"{operations.__name__}."):
        for name, value in vars(importlib.import_module(module.name)).items():
            # To iscoroutinefunction of Python 3.12 its own module is one, too.
            if not (inspect.isfunction(value) and inspect.iscoroutinefunction(value)):
                continue
            if value.__module__ != module.name or name.startswith("_"):
                continue
            hints = value.__annotations__
            if hints.get("return") in told.__all__ and GIVEN & hints.keys() and name not in ASKED_BEFORE:
                found.append(value)
    return found


def test_every_operation_is_declared_exactly_once() -> None:
    declared = Counter(operation.function for operation in table.OPERATIONS.values())
    wanted = [one for one in public() if one.__module__ != table.__name__]
    assert {f"{one.__module__}.{one.__name__}": declared[one] for one in wanted if declared[one] != 1} == {}
    assert len(wanted) == len(table.OPERATIONS) > 35


@pytest.mark.parametrize("operation", table.OPERATIONS.values(), ids=table.OPERATIONS)
def test_every_parameter_has_a_type_that_values_from_outside_are_converted_to(operation: table.Operation) -> None:
    for parameter in operation.parameters.values():
        assert parameter.type is not inspect.Parameter.empty
        assert not isinstance(parameter.type, str)
    assert operation.description


def convert(name: str, **arguments: Any) -> dict[str, Any]:
    return table.find(name).converted(arguments)


def test_a_query_is_read_with_its_states_as_words() -> None:
    converted = convert("jobs.list", query={"states": ["dead", "ready"], "queue": "mail"}, limit=3)
    assert converted == {"query": Query(states=(State.DEAD, State.READY), queue="mail"), "limit": 3}


@pytest.mark.parametrize(
    ("name", "arguments", "error", "words"),
    [
        ("jobs.lst", {}, NotFound, "there is no operation 'jobs.lst': did you mean 'jobs.list'"),
        ("job.start", {}, Misused, "job.start needs job_id"),
        ("job.add", {}, Misused, "job.add needs job_class and job_id"),
        ("job.start", {"job_id": "a", "jobid": 1}, Misused, "takes no argument 'jobid': did you mean 'job_id'"),
        ("job.start", {"job_id": "a", "client": 1}, Misused, "takes no argument 'client'"),
        ("job.start", {"job_id": 5}, ValidationError, "cannot take 5 as job_id: Expected `str`"),
        ("job.list", {"limit": "many"}, ValidationError, "as limit: Expected `int`"),
        ("jobs.list", {"query": {"states": ["ded"]}}, ValidationError, "'ded' is no state: did you mean 'dead'"),
        ("jobs.list", {"query": [1]}, ValidationError, "as query"),
        ("jobs.list", {"query": {"quue": "mail"}}, ValidationError, "not chosen by 'quue': did you mean 'queue'"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    name: str, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(")):
        convert(name, **arguments)


def test_operations_work_without_a_service_as_far_as_they_need_none(tmp_path: Path) -> None:
    async def body() -> Any:
        client = AsyncClient(lambda: SqliteStore(f"sqlite:///{tmp_path}/jobs.db"), Codec())
        try:
            with pytest.raises(ServiceNotRunning, match="needs a running service"):
                await table.call("service.shutdown", {}, client)
            return await table.call("queues.list", {}, client)
        finally:
            await client.store.close()

    assert asyncio.run(body())["queues"] == []
