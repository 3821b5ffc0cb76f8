"""An app or a job class that is named wrongly is refused with the name that was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from queuemgr.app import load
from queuemgr.errors import ConfigError, UnknownTask, did_you_mean
from queuemgr.jobs.classes import JobClasses, Places, find_class

JOBS = """
import os
from queuemgr.jobs.base import QueueJobBase

LIMIT = 3

def helper(): ...

class Plain: ...

class SendMail(QueueJobBase): ...

class Charge(QueueJobBase): ...
"""


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nosuch_shop.py", "did you mean nosuch_shop:app?"),
        ("nosuch_shop.py:queue", "did you mean nosuch_shop:queue?"),
        ("./nosuch_shop.py", "did you mean nosuch_shop:app?"),
        ("sub/nosuch_shop.py", "did you mean sub.nosuch_shop:app?"),
        ("/srv/nosuch_shop.py", "write module:variable"),
        ("nosuch_shop", "write module:variable"),
        ("../nosuch_shop.py", "write module:variable"),
    ],
)
def test_a_file_in_place_of_a_module_is_refused_with_the_module_that_was_meant(path: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert str(refused.value).startswith(f"there is no module {path.partition(':')[0]!r} here (")
    assert str(refused.value).endswith(f": {told}")


def test_of_a_file_of_jobs_only_the_job_classes_are_named(tmp_path: Path) -> None:
    (tmp_path / "mail_jobs.py").write_text(JOBS)
    with pytest.raises(UnknownTask) as refused:
        classes(tmp_path).check("mail_jobs.Quux")
    assert str(refused.value).endswith("mail_jobs.py has no class 'Quux': known: Charge, SendMail")
    with pytest.raises(UnknownTask, match=r"has no class 'SendMial': did you mean 'SendMail'\?$"):
        classes(tmp_path).check("mail_jobs.SendMial")


def test_a_hint_is_the_end_of_its_sentence(tmp_path: Path) -> None:
    (tmp_path / "mail_jobs.py").write_text(JOBS)
    with pytest.raises(UnknownTask) as refused:
        classes(tmp_path).check("pkg.mail_jobs.Charge")
    assert str(refused.value).endswith("(put its file into a folder of jobs): did you mean 'mail_jobs.Charge'?")


def test_a_module_is_not_blamed_for_another_one_that_it_imports_and_that_begins_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nosuch_lib_tasks.py").write_text("import nosuch_lib")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'nosuch_lib'"):
        load("nosuch_lib_tasks:app")
    with pytest.raises(ModuleNotFoundError, match="No module named 'nosuch_lib'"):
        find_class("nosuch_lib_tasks.Job", Places(allowed=("nosuch_lib_tasks.*",)))


def test_a_package_that_is_not_there_is_named_with_what_was_asked_of_it() -> None:
    with pytest.raises(ConfigError, match=r"no module 'nosuch_lib\.tasks' here"):
        load("nosuch_lib.tasks:app")
    with pytest.raises(UnknownTask, match=r"'nosuch_lib\.tasks\.Job' cannot be imported: No module named 'nosuch_lib'"):
        find_class("nosuch_lib.tasks.Job", Places(allowed=("nosuch_lib.*",)))


def test_a_word_that_only_begins_alike_is_not_proposed() -> None:
    assert did_you_mean("shop.nope", ["shop.charge"]) == "known: shop.charge"
    assert did_you_mean("shop.chrage", ["shop.charge"]) == "did you mean 'shop.charge'?"


def classes(folder: Path) -> JobClasses:
    return JobClasses(Places(folders=(str(folder),)), cast("Any", None))
