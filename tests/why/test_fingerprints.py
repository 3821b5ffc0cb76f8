"""What makes two failures alike, and what text finds them."""

from __future__ import annotations

from typing import Any

import pytest

from queuemgr.executor import describe
from queuemgr.service.why.fingerprint import fingerprint_of, fixed_part, normal, place_of


@pytest.mark.parametrize(
    ("message", "same"),
    [
        ("user 17 has no mail", "user <n> has no mail"),
        ("no address 'bob@x.org' in list", "no address '…' in list"),
        ('key "a b" is gone', "key '…' is gone"),
        ("order 0190a1b2-aaaa-7bbb-8ccc-0123456789ab failed", "order <id> failed"),
        ("object at 0x7f99b07fc210", "object at <id>"),
        ("commit deadbeef1 not found", "commit <id> not found"),
        ("bob@x.org bounced", "<mail> bounced"),
        ("took 3.5 s at 2026-11-22", "took <n> s at <n>"),
        ("host db1 is down", "host db1 is down"),
    ],
)
def test_what_changes_from_job_to_job_is_left_out(message: str, same: str) -> None:
    assert normal(message) == same


def test_the_same_failure_in_another_line_is_still_the_same() -> None:
    trace = 'Traceback:\n  File "/srv/shop/mail.py", line {}, in send\n    x\n'
    first, second = ({"type": "E", "message": f"no {n}", "traceback": trace.format(n)} for n in (3, 88))
    assert fingerprint_of(first) == fingerprint_of(second)
    assert fingerprint_of(first).id == fingerprint_of(second).id
    assert fingerprint_of({**first, "type": "F"}).id != fingerprint_of(first).id


def test_the_place_is_the_last_step_in_code_of_ones_own() -> None:
    def own() -> Any:
        import json

        return json.loads("{")

    try:
        own()
    except ValueError as error:
        told = describe(error)
    assert place_of(told["traceback"]) == "why/test_fingerprints.py:own"


def test_an_error_without_a_traceback_has_no_place() -> None:
    assert fingerprint_of(None).place == ""
    assert fingerprint_of({"reason": "it was interrupted"}).message == "it was interrupted"


def test_the_fixed_part_stands_in_every_message_of_its_kind() -> None:
    messages = ["user 17 has no 'mail' at all", "user 4 has no 'x' at all"]
    (part,) = {fixed_part(normal(message)) for message in messages}
    assert part == "has no"
    assert all(part in message for message in messages)
    assert fixed_part("<n>") == ""
