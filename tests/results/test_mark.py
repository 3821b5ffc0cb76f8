"""The file that says whose results a folder holds: there is no moment in which it says so by half."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from queuemgr.errors import StoreUnavailable
from queuemgr.results.files import FilePlace


def test_the_first_store_that_asks_is_the_one(tmp_path: Path) -> None:
    assert [FilePlace(tmp_path).belongs_to(store) for store in ("mine", "others", "mine")] == [True, False, True]
    assert (tmp_path / "store").read_text() == "mine"


def test_a_folder_without_results_belongs_to_whoever_asks(tmp_path: Path) -> None:
    place = FilePlace(tmp_path / "nothing")
    assert [place.belongs_to(store) for store in ("mine", "others")] == [True, True]
    assert list(tmp_path.iterdir()) == []


def test_of_many_that_ask_at_once_one_is_told_that_it_is_the_one(tmp_path: Path) -> None:
    barrier = Barrier(8)

    def ask(store: int) -> bool:
        barrier.wait(60)
        return FilePlace(tmp_path).belongs_to(f"store {store}")

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(ask, range(8)))
    assert told.count(True) == 1
    assert (tmp_path / "store").read_text() == f"store {told.index(True)}"


def test_an_empty_mark_belongs_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    assert [FilePlace(tmp_path).belongs_to(store) for store in ("mine", "others")] == [True, False]


def test_the_mark_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose_power(_: int) -> None:
        raise OSError("no power")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lose_power)
        with pytest.raises(StoreUnavailable, match="cannot be written"):
            FilePlace(tmp_path).belongs_to("mine")
    assert not (tmp_path / "store").exists()
    assert FilePlace(tmp_path).belongs_to("others")
