"""The app that job processes import in these tests, and its tasks. No test is in here."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import dataclasses
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from queuemgr import App, Cancel, Snooze, current_job


class Placeless(App):
    """It has no place for large results, which so travel whole."""

    keeper = None  # type: ignore[assignment]


app = Placeless("sqlite:///not-there.db", max_result=64 * 1024 * 1024)
here = os.getpid()
kept: list[bytes] = []


@dataclasses.dataclass
class Point:
    x: int
    y: int


@app.task
def change_the_signals() -> int:
    """Leave SIGTERM and SIGINT ignored; the pid."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return os.getpid()


@app.task
def nothing() -> None: ...


@app.task
def change_signals() -> int:
    """Leave SIGTERM and SIGINT ignored; the pid."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return os.getpid()


@app.task
def add(one: int, two: int = 1) -> int:
    return one + two


@app.task
async def add_slowly(one: int, two: int) -> int:
    await asyncio.sleep(0.001)
    return one + two


@app.task
class Adder:
    def __init__(self, one: int, two: int) -> None:
        self.sum = one + two

    def run(self) -> int:
        return self.sum


@app.task
def swap(point: Point) -> Point:
    return Point(point.y, point.x)


@app.task
def moment() -> int:
    return time.monotonic_ns()


@app.task
def about() -> dict[str, Any]:
    """What the job sees of its process."""
    job = current_job()
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "session": os.getsid(0),
        "group": os.getpgrp(),
        "job": [job.id, job.task, job.queue, job.attempt],
        "stdin": str(Path("/proc/self/fd/0").readlink()),
        "files": sorted(path.name for path in Path("/proc/self/fd").iterdir()),
        "threads": threading.active_count(),
        "collects": __import__("gc").isenabled(),
        "path": sys.path,
        "folder": str(Path.cwd()),
        "imported_by": here,
        "preloaded": "colorsys" in sys.modules,
    }


@app.task
def fail(words: str) -> NoReturn:
    raise ValueError(words)


@app.task
def leave(status: int) -> NoReturn:
    sys.exit(status)


@app.task
def snooze(delay: float) -> NoReturn:
    raise Snooze(delay)


@app.task
def give_up(reason: str) -> Cancel:
    return Cancel(reason)


@app.task
def give_up_strangely() -> Cancel:
    return Cancel(LookupError("\ud800 is gone"))


@app.task
def unencodable() -> Any:
    return object()


@app.task
def zeros(size: int) -> str:
    return "0" * size


@app.task
def length(text: str) -> int:
    return len(text)


@app.task
def report() -> None:
    job = current_job()
    job.progress(25)
    job.progress(50, "half")
    job.output("stdout", "told\n")


@app.task
def report_often(times: int) -> None:
    for _ in current_job().track(range(times)):
        pass


@app.task
def speak() -> None:
    print("printed")
    print("warned", file=sys.stderr)
    os.write(1, b"written past Python\n")
    subprocess.run(["echo", "by a child process"], check=True)
    logging.getLogger("some.where").info("logged %d", 1)
    logging.getLogger("some.where").debug("not logged")
    sys.stdout.write("no end")


@app.task
def take_turns() -> None:
    """Print and log in turn."""
    for number in range(3):
        print(number)
        logging.getLogger("turns").info("%d", number)


@app.task
def speak_strangely() -> None:
    os.write(1, b"\xff\xc3")
    os.write(1, b"\xa4\n")
    print("\ud800")
    logging.getLogger().warning("\ud800")


@app.task
def flood(size: int) -> None:
    chunk = b"x" * 1023 + b"\n"
    for _ in range(size // len(chunk)):
        os.write(1, chunk)


@app.task
def hush() -> int:
    print("before")
    sys.stdout.close()
    os.close(1)
    return 1


@app.task
def hush_in_part() -> int:
    """Leaves another end of the pipe open, as a process does that was started before."""
    os.dup(1)
    os.close(1)
    return os.getpid()


@app.task
def speak_elsewhere() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    return os.getpid()


@app.task
def close_stdout() -> None:
    sys.stdout.close()


@app.task
def say(words: str) -> None:
    print(words)


@app.task
def log_exception() -> None:
    try:
        print(1 / 0)
    except ZeroDivisionError:
        logging.exception("it went wrong")  # noqa: LOG015 - what a plain script does


@app.task
def log_much(times: int, size: int) -> None:
    for _ in range(times):
        logging.getLogger("much").info("x" * size)


@app.task
def leave_daemon(note: str) -> None:
    """Leave a process with a session of its own, which goes on, and holds stdout."""
    subprocess.run(["setsid", "--fork", "sleep", "60"], check=True)
    Path(note).touch()


@app.task
def log_from_thread() -> None:
    thread = threading.Thread(target=logging.getLogger("thread").warning, args=("from a thread",))
    thread.start()
    thread.join()


@app.task
def segfault() -> None:
    ctypes.string_at(0)


@app.task
def exit_at_once(status: int) -> None:
    print("last words")
    os._exit(status)


@app.task
def kill_itself(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


@app.task
def close_everything() -> None:
    os.closerange(3, 256)


@app.task
def babble() -> None:
    """Write into every socket there is."""
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(path.readlink()).startswith("socket:"):
                os.write(int(path.name), b"w\xff\xff")
                os.write(int(path.name), b"lost")


@app.task
def hold(note: str) -> None:
    """Sleep until stopped; the note tells how far it came."""
    path = Path(note)
    with path.open("a", buffering=1) as file:
        try:
            print("began", os.getpid(), file=file)
            time.sleep(60)
        finally:
            print("cleaned up", current_job().stopping, file=file)


@app.task
async def hold_async(note: str) -> None:
    with Path(note).open("a", buffering=1) as file:
        try:
            print("began", os.getpid(), file=file)
            await asyncio.sleep(60)
        finally:
            print("cleaned up", current_job().stopping, file=file)


@app.task
def hold_on(note: str) -> None:
    """Ignore SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(note).write_text(f"began {os.getpid()}\n")
    time.sleep(60)


@app.task
def swallow(note: str) -> str:
    """Catch what SIGTERM raises, and return as if nothing had happened."""
    Path(note).write_text(f"began {os.getpid()}\n")
    with contextlib.suppress(BaseException):
        time.sleep(60)
    return "well"


@app.task
def plant_tree(note: str, *, wait: bool = True, leave_group: bool = False) -> None:
    """Start a shell with two sleeping children, one of them perhaps outside of the group."""
    setsid = "setsid " if leave_group else ""
    script = f"sleep 61 & one=$!; {setsid}sleep 62 & echo began $$ $one $! > {note}.tmp; mv {note}.tmp {note}; wait"
    shell = subprocess.Popen(["sh", "-c", script])
    while not Path(note).exists():
        time.sleep(0.002)
    if wait:
        shell.wait()


@app.task
def detach(note: str) -> None:
    """Start a grandchild whose parent ends at once and that has a session of its own, then wait."""
    script = f"setsid sh -c 'echo began $$ > {note}.tmp; mv {note}.tmp {note}; exec sleep 61' &"
    subprocess.run(["sh", "-c", script], check=True)
    time.sleep(60)


@app.task
def allocate(size: int) -> int:
    return len(bytearray(size))


@app.task
def keep_memory(size: int) -> None:
    kept.append(b"\1" * size)


@app.task
def touch(size: int) -> None:
    """Use the memory, and give it back."""
    len(b"\1" * size)


@app.task
def numbers() -> list[float]:
    import random

    return [random.random()]
