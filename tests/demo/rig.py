"""The demo as a process of its own, and what a small folder really holds. Holds no tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
RUN = "import json, sys; from queuemgr.demo.main import run; sys.exit(run(**json.loads(sys.argv[1])))"


class Demo:
    """The demo in a process of its own; the store and everything temporary are below `home`."""

    def __init__(self, home: Path, **options: Any) -> None:
        self.home = home
        self.store = f"sqlite:///{home}/jobs.db"
        arguments = {"store": self.store, "seconds": 0.5, **options}
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, json.dumps(arguments)],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str, str]:
        """Exit code, output and errors, once it has ended."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err

    @property
    def left(self) -> list[psutil.Process]:
        """Processes that work on this store."""
        return [one for one in psutil.process_iter() if one.pid != os.getpid() and self._is_mine(one)]

    def _is_mine(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            return str(self.home) in process.environ().get("QUEUEMGR_STORE", "")
        return False


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(home), "PYTHONPATH": str(ROOT)}


def computed(*files: Path) -> dict[str, Any]:
    """The numbers that the demo must arrive at, computed in another way than the demo computes them."""
    contents = [file.read_bytes() for file in files]
    words = [word for data in contents if b"\0" not in data for word in re.findall(rb"[a-z\x80-\xff]+", data.lower())]
    return {
        "files": len(files),
        "bytes": sum(map(len, contents)),
        "words": len(words),
        "distinct_words": len(set(words)),
        "unreadable": [],
    }
