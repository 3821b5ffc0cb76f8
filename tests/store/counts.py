"""Counts the jobs of a file the long way, to be held against what the store has counted as it went along."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from queuemgr.stores.sqlite.counting import tally

Counts = dict[tuple[str, str, int], int]
EVERYTHING = (1 << 63) - 1


def true_counts(path: Path) -> Counts:
    with closing(sqlite3.connect(path)) as connection:
        return Counter(connection.execute("SELECT queue, task, state FROM queuemgr_jobs"))


def kept_counts(path: Path) -> Counts:
    with closing(sqlite3.connect(path)) as connection:
        return {which: number for which, number in tally(connection).items() if number}


def count_at_once(path: Path) -> None:
    """From now on no job is too new to be counted."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO queuemgr_counted VALUES (1, ?)", (EVERYTHING,))
