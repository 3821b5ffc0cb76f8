"""The size budget of the package: how long files and functions may be. Does not judge what the lines do."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

FILE_LIMIT = 400
MEDIAN_LIMIT = 150
FUNCTION_LIMIT = 40
LONG_FUNCTION = 25
LONG_SHARE = 0.10

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Measured:
    place: str
    lines: int


@dataclass(frozen=True, slots=True)
class Sizes:
    files: list[Measured]
    functions: list[Measured]


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).parent.parent / "queuemgr"
    sizes = measure(root)
    problems = list(find_problems(sizes))
    for problem in problems:
        print(problem)
    middle = median([file.lines for file in sizes.files] or [0])
    print(f"{len(sizes.files)} files, median {middle:g} lines; {_share(sizes)}")
    return 1 if problems else 0


def measure(root: Path) -> Sizes:
    """The sizes of every Python file below `root` that is not empty, and of every function in them."""
    sizes = Sizes([], [])
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(root.parent).as_posix()
        if text.strip():
            sizes.files.append(Measured(name, len(text.splitlines())))
            sizes.functions.extend(_functions(ast.parse(text, name), name))
    return sizes


def find_problems(sizes: Sizes) -> Iterator[str]:
    """One line for each way in which the sizes are over the budget."""
    for file in sizes.files:
        if file.lines > FILE_LIMIT:
            yield f"{file.place}: {file.lines} lines, the limit is {FILE_LIMIT}: split it by concept"
    if sizes.files and median(file.lines for file in sizes.files) > MEDIAN_LIMIT:
        yield f"the median file is over {MEDIAN_LIMIT} lines; the longest: {_longest(sizes.files)}"
    for function in sizes.functions:
        if function.lines > FUNCTION_LIMIT:
            yield f"{function.place}: {function.lines} lines, the limit is {FUNCTION_LIMIT}"
    long = _long(sizes)
    if len(long) > LONG_SHARE * len(sizes.functions):
        yield f"{_share(sizes)}, the limit is {LONG_SHARE:.0%}; the longest: {_longest(long)}"


def _functions(tree: ast.Module, name: str) -> Iterator[Measured]:
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS):
            yield Measured(f"{name}:{node.lineno} {node.name}", _span(node) - _docstring_lines(node))


def _docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return _span(function.body[0]) if ast.get_docstring(function, clean=False) is not None else 0


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _long(sizes: Sizes) -> list[Measured]:
    return [function for function in sizes.functions if function.lines > LONG_FUNCTION]


def _share(sizes: Sizes) -> str:
    count = len(sizes.functions)
    return f"{count} functions, {len(_long(sizes)) / max(1, count):.1%} of them over {LONG_FUNCTION} lines"


def _longest(measured: list[Measured]) -> str:
    longest = sorted(measured, key=lambda one: one.lines, reverse=True)[:10]
    return ", ".join(f"{one.place} ({one.lines})" for one in longest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
