"""The examples in the documentation are such as a type checker lets pass. What they do is checked elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Block, blocks_of

# Flask's own test client is not sure of any answer.
UNSURE = {"api.md"}
# What is wrong on purpose.
WRONG = {
    'page_first_steps/page.py: error: Argument 1 to "enqueue" of "Task" has incompatible type "str"; expected "int"'
}
_LENIENT = ("--allow-redefinition", "--check-untyped-defs", "--no-error-summary")


@pytest.mark.slow
def test_a_type_checker_finds_only_what_is_wrong_on_purpose(tmp_path: Path) -> None:
    for page in PAGES:
        blocks = [block for block in blocks_of(page) if block.language == "python"]
        if blocks and page.name not in UNSURE and not page.name.endswith(".ru.md"):
            _write(tmp_path / re.sub(r"\W", "_", f"page_{page.stem}"), blocks)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *_LENIENT, "--cache-dir", tmp_path / "cache", "."],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    found = re.findall(r"^(.+):\d+: (error: .+)  \[[\w-]+\]$", done.stdout, re.MULTILINE)
    assert {f"{file}: {error}" for file, error in found} == WRONG, done.stdout


def _write(folder: Path, blocks: list[Block]) -> None:
    """A package of the page's files, in which `page` is what a reader types."""
    folder.mkdir()
    (folder / "__init__.py").touch()
    names = [block.file.removesuffix(".py") for block in blocks if block.file]
    texts = {block.file: block.text for block in blocks if block.file}
    texts["page.py"] = "\n".join(block.text for block in blocks if not block.file)
    for file, text in texts.items():
        local = re.sub(rf"\bfrom ({'|'.join(names)}) import", rf"from {folder.name}.\1 import", text)
        (folder / file).write_text(local if names else text, encoding="utf-8")
