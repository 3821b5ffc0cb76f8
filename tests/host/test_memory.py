"""However many connections a store has, and however much they read, the pages that SQLite keeps stay few."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

READ_MUCH = """
import sqlite3, sys
import psutil
from queuemgr.service.host.memory import CACHE, bound_memory

def connected():
    connection = sqlite3.connect(sys.argv[1])
    connection.execute("PRAGMA cache_size = -8000")
    return connection

with connected() as writing:
    writing.execute("CREATE TABLE t (text)")
    writing.executemany("INSERT INTO t VALUES (?)", (("x" * 1000,) for _ in range(12_000)))
bound_memory()
before = psutil.Process().memory_info().rss
readers = [connected() for _ in range(3)]
for reader in readers:
    assert reader.execute("SELECT count(*), max(text) FROM t").fetchone()[0] == 12_000
print((psutil.Process().memory_info().rss - before) / CACHE)
"""


def test_the_pages_that_all_connections_keep_are_bounded(tmp_path: Path) -> None:
    words = [sys.executable, "-c", READ_MUCH, str(tmp_path / "jobs.db")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.5
