"""What operations really answer fits the types that they declare, and the types say what stores and jobs can say."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, ForwardRef, get_args, is_typeddict

import jsonschema
import pytest

from queuemgr.job import State
from queuemgr.jobs.status import JobStatus, status_of
from queuemgr.service import told
from queuemgr.service.observe.sample import METRICS, OF_QUEUES
from queuemgr.service.operations.table import OPERATIONS
from queuemgr.service.told.service import StatusWord
from queuemgr.service.told.units import StateWord
from queuemgr.service.web.openapi import describe
from queuemgr.service.web.request import encode
from queuemgr.service.web.routes import Routes
from tests.fitting import misfits
from tests.house.answering import Answers, all_answers


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with all_answers(tmp_path_factory.mktemp("answers")) as answers:
        yield answers


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe(Routes().all, "/")


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_an_operation_answers_fits_its_type(name: str, answers: Answers) -> None:
    mine = [answer for asked, answer in answers if asked == name]
    assert mine, f"nobody asks for {name}: see tests/house/answering.py"
    assert [wrong for answer in mine for wrong in misfits(name, answer)] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_an_operation_answers_fits_the_schema_in_the_description_of_the_api(
    name: str, answers: Answers, document: dict[str, Any]
) -> None:
    method, _, path = OPERATIONS[name].route.partition(" ")
    described = document["paths"][f"/api/v1{path}"][method.lower()]["responses"]["200"]
    schema = described["content"]["application/json"]["schema"]
    assert schema["$ref"] == f"#/components/schemas/{OPERATIONS[name].result.__name__}"
    check = jsonschema.Draft202012Validator({"components": document["components"], **schema})
    for _, answer in [one for one in answers if one[0] == name]:
        check.validate(json.loads(encode(answer)))


def test_a_key_that_is_not_declared_is_no_fit() -> None:
    assert misfits("store.prune", {"pruned": 1}) == []
    assert misfits("store.prune", {"pruned": 1, "more": 2}) == ["store.prune: $.more is not declared"]
    queue = {"name": "mail", "paused": False, "limit": None, "oldest_ready": None, "counts": {}, "workers": 1}
    assert misfits("queues.list", {"at": 1.0, "queues": [queue]}) == []
    told = misfits("queues.list", {"at": 1.0, "queues": [queue | {"rank": 1}]})
    assert told == ["queues.list: $.queues[].rank is not declared"]


@pytest.mark.parametrize("answer", [{}, {"pruned": "one"}, {"pruned": None}])
def test_a_key_that_is_missing_or_of_another_type_is_no_fit(answer: dict[str, Any]) -> None:
    assert misfits("store.prune", answer)


def test_every_type_of_an_answer_is_one_of_those_that_programs_can_import() -> None:
    assert {operation.result.__name__ for operation in OPERATIONS.values()} <= set(told.__all__)


@pytest.mark.parametrize("name", [name for name in told.__all__ if is_typeddict(getattr(told, name))])
def test_what_a_type_of_an_answer_names_is_there_in_its_own_module(name: str) -> None:
    """Also what it has from a type of another module: with Python 3.14 msgspec does not look there."""
    kind = getattr(told, name)
    there = vars(sys.modules[kind.__module__])
    written = [one for one in kind.__annotations__.values() if isinstance(one, ForwardRef)]
    for annotation in written:
        eval(annotation.__forward_arg__, there)


def test_every_described_answer_says_what_it_holds(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {name for name, one in schemas.items() if not one.get("properties")} == set()


def test_the_words_for_states_are_those_that_jobs_have() -> None:
    assert get_args(StateWord) == tuple(state.word for state in State)
    assert set(get_args(StatusWord)) == {status_of(state).name for state in State} | {JobStatus.DELETED.name}


def test_the_figures_are_those_that_are_measured() -> None:
    assert told.Figures.__required_keys__ == set(METRICS)
    assert told.QueueFigures.__required_keys__ == set(OF_QUEUES)
