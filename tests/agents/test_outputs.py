"""What tools answer fits the schemas that they tell: whole or cut, done or only shown."""

from __future__ import annotations

from collections.abc import Iterator

import jsonschema
import pytest
from msgspec import json

from queuemgr.service.agents.bounding import LIMIT, bounded
from queuemgr.service.agents.tools import NOT_FOR_AGENTS, tool_of
from queuemgr.service.operations.previews import preview_type
from queuemgr.service.operations.table import OPERATIONS
from tests.fitting import misfits
from tests.house.answering import Answers, all_answers, would

TOOLS = [name for name in OPERATIONS if name not in NOT_FOR_AGENTS]
CHANGING = [name for name in TOOLS if OPERATIONS[name].changes]
SHOWN = {"done": False, "confirm": "1.2.3", "next": "to do it, confirm"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with all_answers(tmp_path_factory.mktemp("answers")) as answers:
        yield answers


def _check(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(tool_of(OPERATIONS[name]).output)


@pytest.mark.parametrize("limit", [600, 2_000, LIMIT])
@pytest.mark.parametrize("name", TOOLS)
def test_what_is_answered_fits_the_schema_of_the_tool_however_much_of_it_is_cut(
    name: str, limit: int, answers: Answers
) -> None:
    mine = [answer for asked, answer in answers if asked == name]
    assert mine
    for answer in mine:
        _check(name).validate(json.decode(bounded(answer, (), limit)[1]))


@pytest.mark.parametrize("name", CHANGING)
def test_what_a_change_would_do_is_answered_as_it_is_declared(name: str, answers: Answers) -> None:
    mine = [answer for asked, answer in answers if asked == would(name)]
    assert mine
    for answer in mine:
        assert misfits(name, answer, preview_type(name)) == []
        for limit in (600, LIMIT):
            _check(name).validate(json.decode(bounded(answer, (), limit)[1]) | SHOWN)
