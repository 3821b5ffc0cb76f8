"""Which modules the page begins with, in the order in which they are needed, and which come later. It runs none.

`python -m tests.web.browser.modules` writes them into index.html, so that a browser asks for all of them at once.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.web.rig import ROOT

PAGE = ROOT / "queuemgr" / "service" / "web" / "page"
INDEX = PAGE / "index.html"
_IMPORT = re.compile(r"""(?:^import|^export|\bfrom|;import)\s*(?:[^"';]*?\bfrom\s*)?["'](\.[^"']+)["']""", re.MULTILINE)
_LATER = re.compile(r"""\bimport\(["'](\.[^"']+)["']\)""")
_LINKS = re.compile(r'(?:    <link rel="modulepreload" href="[^"]+" />\n)*(?=    <script type="module")')


def fetched_later() -> set[str]:
    """What is imported while the page is used, and all that this imports."""
    found: dict[Path, None] = {}
    for path in PAGE.rglob("*.js"):
        for name in _LATER.findall(path.read_text()):
            _gather((path.parent / name).resolve(), found)
    return {path.relative_to(PAGE).as_posix() for path in found}


def begun_with(start: str = "main.js") -> list[str]:
    """All that `start` imports, directly or not, as addresses below the page's folder."""
    found: dict[Path, None] = {}
    _gather(PAGE / start, found)
    return [path.relative_to(PAGE).as_posix() for path in found if path != PAGE / start]


def _gather(path: Path, found: dict[Path, None]) -> None:
    if path in found:
        return
    found[path] = None
    for name in _IMPORT.findall(path.read_text()):
        _gather((path.parent / name).resolve(), found)


def linked() -> str:
    """index.html as it should be."""
    links = "".join(f'    <link rel="modulepreload" href="{name}" />\n' for name in begun_with())
    return _LINKS.sub(links, INDEX.read_text(), count=1)


if __name__ == "__main__":
    INDEX.write_text(linked())
