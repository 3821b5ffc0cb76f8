"""A small folder with odd files in it, and the demo on it. Holds no tests."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.demo.rig import Demo


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """14 plain files, and a symbolic link, a socket, a pipe and a folder that is passed over."""
    folder = tmp_path / "folder"
    (folder / "deeper" / "__pycache__").mkdir(parents=True)
    for number in range(10):
        (folder / f"{number}.txt").write_text(f"Hello hello World and word{'x' * number} " * (300 * number + 1))
    (folder / "deeper" / "[bold]two\nlines.md").write_text("größer Größer\n")
    (folder / "empty").touch()
    (folder / "binary").write_bytes(bytes(range(256)) * 40)
    Path(os.fsdecode(os.fsencode(folder) + b"/not-utf-8-\xff")).write_text("seldom")
    (folder / "deeper" / "__pycache__" / "cached.pyc").write_text("unread")
    (folder / "link").symlink_to("0.txt")
    os.mkfifo(folder / "pipe")
    opened = os.open(folder, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as unread:
        unread.bind(f"/proc/self/fd/{opened}/socket")  # the address of a socket must be short
        yield folder
    os.close(opened)


@pytest.fixture
def demo(folder: Path, tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts the demo on the folder."""
    started: list[Demo] = []

    def start(**options: Any) -> Demo:
        started.append(Demo(tmp_path, folder=str(folder), **options))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        for process in one.left:
            with suppress(psutil.Error):
                process.kill()
        one.process.communicate()
