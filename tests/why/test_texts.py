"""Every code has a sentence, a place in the documentation, and is given by some rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import queuemgr.service.why as package
from queuemgr.service.why import texts
from queuemgr.service.why.answer import Next, Reason, Step

ROOT = Path(__file__).parents[2]
RULES = "".join(path.read_text() for path in Path(package.__path__[0]).glob("*.py") if path.name != "texts.py")
PAGES = [(ROOT / "docs" / name).read_text() for name in ("why.md", "why.ru.md")]


@pytest.mark.parametrize("code", texts.REASONS)
def test_every_reason_is_given_by_a_rule_and_told_to_readers(code: str) -> None:
    assert f'"{code}"' in RULES
    for page in PAGES:
        assert f"`{code}`" in page


@pytest.mark.parametrize("code", [*texts.NEXT, *texts.PURPOSES])
def test_every_next_event_and_step_is_given_by_a_rule(code: str) -> None:
    assert f'"{code}"' in RULES


def test_no_rule_gives_a_code_without_a_sentence() -> None:
    given = set(re.findall(r'Reason\(\s*"(\w+)"', RULES))
    assert given - texts.REASONS.keys() == set()
    assert set(re.findall(r'Step\(\s*"(\w+)"', RULES)) - texts.PURPOSES.keys() == set()
    assert set(re.findall(r'Next\(\s*"(\w+)"', RULES)) - texts.NEXT.keys() == set()


def test_a_sentence_is_made_from_its_values_and_their_formats() -> None:
    assert Reason("behind_others", {"before": 1, "queue": "a"}).text == "1 job of queue a go before it"
    assert Reason("no_worker_takes_queue", {"queue": "a", "near": ""}).text == "no worker takes jobs from queue a"
    assert Reason("succeeded_for_ever", {"size": 0}).text == "returned nothing"
    assert len(Reason("given_up", {"reason": "x" * 1000}).text) < 400
    times = {"median": 10.0, "longest": 20.0}
    assert Reason("usual", {"number": 1} | times).text == "the last success of this task took 10 s"
    several = "the last 3 successes of this task took 10 s, the longest 20 s"
    assert Reason("usual", {"number": 3} | times).text == several
    assert Next("starts", 5.0).facts == {"code": "starts", "text": "a worker starts it", "at": 5.0, "params": {}}
    assert Step("run", "queuemgr jobs retry 1").facts["purpose"] == "run it"
