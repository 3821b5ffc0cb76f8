"""What one of the promised Pythons stumbles over and the others let pass. It is looked for in the text."""

from __future__ import annotations

import re
from pathlib import Path

import queuemgr


def test_no_statement_numbers_its_placeholders() -> None:
    """Python 3.12.0 to 3.12.3 warn of each `?1` at every call, which costs time, and stops who makes errors of it."""
    modules = Path(queuemgr.__file__).parent.rglob("*.py")
    assert [str(module) for module in modules if re.search(r"\?\d", module.read_text())] == []
