"""Keeps the service's memory small where others would fill it: SQLite's pages, malloc's arenas. It frees nothing."""

from __future__ import annotations

CACHE = 3 * 1024 * 1024
"""Bytes that SQLite uses in all, however many connections a store has. The kernel keeps its pages, too."""

_ARENA_MAX = -8


def bound_memory() -> None:
    """For the whole process; to be called before it has threads, each of which would get an arena of malloc's."""
    import ctypes
    import sqlite3
    from contextlib import closing

    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_ARENA_MAX, 1)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"PRAGMA soft_heap_limit = {CACHE}")
