"""Holds script/budget.py to its word, and the package to the budget. Does not judge anything but length."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_package_is_within_its_budget() -> None:
    done = _run(ROOT / "queuemgr")
    assert done.returncode == 0, done.stdout


def test_files_and_functions_right_at_every_limit_pass(tmp_path: Path) -> None:
    functions = [_function("longest", 40), *(_function(f"f{n}", 25) for n in range(9))]
    for name, lines in (("a", 400), ("b", 150), ("c", 150)):
        _write(tmp_path, name, _filled(functions.pop(0), lines))
    _write(tmp_path, "d", "\n".join(functions[:5]))
    _write(tmp_path, "e", "\n".join(functions[5:]))
    done = _run(tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "5 files, median 150 lines; 10 functions, 10.0% of them over 25 lines\n",
    )


def test_a_file_over_400_lines_is_named(tmp_path: Path) -> None:
    _write(tmp_path, "fine", "x = 1\n")
    _write(tmp_path, "long", _filled("", 401))
    _write(tmp_path, "short", "y = 1\n")
    _expect(tmp_path, f"{tmp_path.name}/long.py: 401 lines, the limit is 400")


def test_a_median_over_150_lines_is_told_with_the_longest_files(tmp_path: Path) -> None:
    _write(tmp_path, "one", _filled("", 151))
    _write(tmp_path, "two", _filled("", 200))
    _write(tmp_path, "three", _filled("", 3))
    _expect(tmp_path, "the median file is over 150 lines; the longest: ")
    assert f"{tmp_path.name}/two.py (200), {tmp_path.name}/one.py (151)" in _run(tmp_path).stdout


def test_empty_files_do_not_pull_the_median_down(tmp_path: Path) -> None:
    _write(tmp_path, "one", _filled("", 151))
    for n in range(5):
        _write(tmp_path, f"empty{n}", "\n")
    _expect(tmp_path, "the median file is over 150 lines")


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_function_over_40_lines_is_named_with_its_line(tmp_path: Path, keyword: str) -> None:
    short = "".join(_function(f"f{n}", 2) for n in range(20))
    _write(tmp_path, "code", short + _function("endless", 41, keyword=keyword))
    _expect(tmp_path, f"{tmp_path.name}/code.py:41 endless: 41 lines, the limit is 40")


def test_a_method_in_a_class_in_a_folder_is_measured_too(tmp_path: Path) -> None:
    method = "".join(f"    {line}\n" for line in _function("method", 41).splitlines())
    (tmp_path / "inner").mkdir()
    _write(tmp_path / "inner", "code", f"class Some:\n{method}")
    _expect(tmp_path, f"{tmp_path.name}/inner/code.py:2 method: 41 lines")


def test_more_than_a_tenth_of_functions_over_25_lines_is_told(tmp_path: Path) -> None:
    _write(tmp_path, "code", _function("long", 26) + "".join(_function(f"f{n}", 2) for n in range(8)))
    _expect(tmp_path, "9 functions, 11.1% of them over 25 lines, the limit is 10%")


def test_a_docstring_does_not_count_as_length(tmp_path: Path) -> None:
    text = '    """Says much.\n' + "    more\n" * 30 + '    """\n'
    head, *body = _function("told", 25).splitlines(keepends=True)
    _write(tmp_path, "code", head + text + "".join(body))
    assert _run(tmp_path).stdout == "1 files, median 57 lines; 1 functions, 0.0% of them over 25 lines\n"


def test_an_empty_folder_is_within_the_budget(tmp_path: Path) -> None:
    assert _run(tmp_path).returncode == 0


def _run(package: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "script" / "budget.py"
    return subprocess.run([sys.executable, script, package], capture_output=True, text=True, check=False)


def _expect(package: Path, complaint: str) -> None:
    done = _run(package)
    assert done.returncode == 1, done.stderr
    assert any(line.startswith(complaint) for line in done.stdout.splitlines()), done.stdout


def _function(name: str, lines: int, *, keyword: str = "def") -> str:
    return f"{keyword} {name}():\n" + "    pass\n" * (lines - 1)


def _filled(text: str, lines: int) -> str:
    return text + "x = 1\n" * (lines - len(text.splitlines()))


def _write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)
