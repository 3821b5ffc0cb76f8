"""What is to be done once a module is there is done then: not before, and not if nobody imports it."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

from queuemgr.executors.processes.later import when_imported

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of one that nobody has imported yet."""
    (tmp_path / "late_module.py").write_text("ready = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "late_module", raising=False)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    return "late_module"


def test_a_module_that_is_there_is_there_at_once() -> None:
    done: list[str] = []
    when_imported("sys", lambda: done.append("sys"))
    assert done == ["sys"]


def test_nothing_is_done_before_somebody_imports_the_module(module: str) -> None:
    done: list[bool] = []
    when_imported(module, lambda: done.append(sys.modules[module].ready))
    importlib.import_module("colorsys")
    assert done == []
    importlib.import_module(module)
    assert done == [True]


def test_it_is_done_once(module: str) -> None:
    done: list[int] = []
    before = len(sys.meta_path)
    when_imported(module, lambda: done.append(1))
    importlib.reload(importlib.import_module(module))
    assert done == [1]
    assert len(sys.meta_path) == before


def test_what_is_called_off_is_not_done(module: str) -> None:
    done: list[int] = []
    call_off = when_imported(module, lambda: done.append(1))
    call_off()
    call_off()
    importlib.import_module(module)
    assert done == []


def test_a_module_that_cannot_be_imported_does_nothing(module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text("raise ValueError('no')\n")
    done: list[int] = []
    when_imported(module, lambda: done.append(1))
    with pytest.raises(ValueError, match="no"):
        importlib.import_module(module)
    assert done == []
