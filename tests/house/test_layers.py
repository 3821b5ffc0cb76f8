"""Holds the layers in pyproject.toml to their word, and the package to them. Knows no row's purpose."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
ROWS = [re.findall(r"\w+", row) for row in CONTRACTS[0]["layers"]]
PACKAGES = {"stores": ("here", "there"), "executors": ("near", "far")}


def test_the_package_keeps_its_layers() -> None:
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_every_row_may_import_every_row_below(tmp_path: Path) -> None:
    _lay_out(tmp_path)
    for row, modules in enumerate(ROWS):
        for module in modules:
            _import(tmp_path, module, *itertools.chain(*ROWS[row + 1 :]))
    assert "Contracts: 4 kept, 0 broken." in _lint(tmp_path).stdout


@pytest.mark.parametrize("row", range(1, len(ROWS)))
def test_no_row_may_import_the_row_above(tmp_path: Path, row: int) -> None:
    lower, upper = ROWS[row][0], ROWS[row - 1][0]
    _expect_broken(tmp_path, lower, upper)


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("stores.here", "stores.there"),
        ("executors.near", "executors.far"),
        ("stores.here", "executors.far"),
        ("executors.near", "stores.there"),
        ("testing", "manager"),
        ("manager", "testing"),
    ],
)
def test_modules_kept_apart_may_not_import_one_another(tmp_path: Path, module: str, imported: str) -> None:
    _expect_broken(tmp_path, module, imported)


def test_an_import_through_the_package_itself_does_not_hide_a_layer(tmp_path: Path) -> None:
    _lay_out(tmp_path)
    (tmp_path / "queuemgr" / "__init__.py").write_text("import queuemgr.app\n")
    (tmp_path / "queuemgr" / "job.py").write_text("import queuemgr\n")
    done = _lint(tmp_path)
    assert done.returncode == 1
    assert "queuemgr.job -> queuemgr (l.1)" in done.stdout


def test_a_module_named_in_no_row_is_rejected(tmp_path: Path) -> None:
    _lay_out(tmp_path)
    (tmp_path / "queuemgr" / "stray.py").touch()
    done = _lint(tmp_path)
    assert done.returncode == 1
    assert "queuemgr.stray" in done.stdout


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as lint; lint()"
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _expect_broken(folder: Path, module: str, imported: str) -> None:
    _lay_out(folder)
    _import(folder, module, imported)
    done = _lint(folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"queuemgr.{module} -> queuemgr.{imported} (l.1)" in done.stdout


def _lay_out(folder: Path) -> None:
    """A package with an empty file for every module that the layers name."""
    package = folder / "queuemgr"
    package.mkdir()
    (package / "__init__.py").touch()
    (folder / "lara_queue").mkdir()
    (folder / "lara_queue" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in (name for row in ROWS for name in row):
        _module(folder, name).parent.mkdir(exist_ok=True)
        _module(folder, name).touch()
    for name, inner in PACKAGES.items():
        for module in inner:
            (package / name / f"{module}.py").touch()


def _module(folder: Path, name: str) -> Path:
    path = folder / "queuemgr" / name.replace(".", "/")
    return path / "__init__.py" if name in PACKAGES else path.with_suffix(".py")


def _import(folder: Path, module: str, *imported: str) -> None:
    _module(folder, module).write_text("".join(f"import queuemgr.{name}\n" for name in imported))
