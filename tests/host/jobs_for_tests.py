"""Job classes that the tests of the service run. Holds no test."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from queuemgr.jobs.base import QueueJobBase


class Nothing(QueueJobBase):
    def execute(self) -> None:
        pass


class Echo(QueueJobBase):
    """Its parameters are its result."""

    def execute(self) -> None:
        self.set_result(self.params)


class Reporting(Echo):
    """Says meanwhile how far it is, and what it does."""

    def execute(self) -> None:
        self.set_progress(50, "half of it")
        super().execute()


class Noted(QueueJobBase):
    """Writes down which of its methods were called."""

    def note(self, word: str) -> None:
        with Path(self.params["note"]).open("a") as file:
            file.write(f"{word}\n")

    def on_start(self) -> None:
        self.note("on_start")

    def on_stop(self) -> None:
        self.note("on_stop")

    def on_end(self) -> None:
        self.note("on_end")

    def on_error(self, exc: BaseException) -> None:
        self.note(f"on_error {type(exc).__name__}")

    def execute(self) -> None:
        self.note("execute")


class Sleeping(Noted):
    """Runs until it is stopped; `stubborn` notes that it is to stop and ignores SIGTERM, `polite` looks and ends."""

    def execute(self) -> None:
        self.set_result({"so far": 1})
        self.set_progress(40, "asleep")
        if self.params.get("stubborn"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self.params.get("family"):
            import subprocess

            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
            subprocess.Popen(["sleep", "600"])
        self.note(f"execute {os.getpid()}")
        while not self.stopping:
            time.sleep(0.02)
        if self.params.get("stubborn"):
            self.note("told to stop")
        while not self.params.get("polite"):
            time.sleep(0.02)


class Failing(Noted):
    def execute(self) -> None:
        raise KeyError("a key")


class Wordless(QueueJobBase):
    """Its exceptions have no text that says anything."""

    def execute(self) -> None:
        match self.params["how"]:
            case "exit":
                sys.exit(0)
            case "interrupt":
                raise KeyboardInterrupt
            case "assert":
                raise AssertionError


class Awaiting(QueueJobBase):
    async def execute(self) -> None:  # type: ignore[override]
        self.set_result("never")


class Unmade(QueueJobBase):
    def __init__(self, job_id: str, params: dict[str, Any]) -> None:
        self.params = {"of": job_id, **params}

    def execute(self) -> None:
        self.set_result(self.params)


class Dying(QueueJobBase):
    def execute(self) -> None:
        match self.params["how"]:
            case "segfault":
                import ctypes

                ctypes.string_at(0)
            case "exit":
                os._exit(3)
            case "sys.exit":
                sys.exit(4)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "memory":
                bytearray(1 << 30)


class Printing(QueueJobBase):
    def execute(self) -> None:
        match self.params.get("how"):
            case "closed":
                sys.stdout.close()
                os.close(1)
            case "much":
                line = b"x" * (1 << 20) + b"\n"
                for _ in range(self.params["megabytes"]):
                    os.write(1, line)
            case _:
                print("to stdout")
                print("to stderr", file=sys.stderr)
                os.system("echo from a child")
        self.set_result("printed")


class Odd(QueueJobBase):
    """A result that JSON has no form for."""

    def execute(self) -> None:
        self.set_result({"open": sys.stdin, "what": object()} if self.params.get("worse") else {1, 2})


class Counting(QueueJobBase):
    """Appends its id to a file, and tells how many ran at once."""

    def execute(self) -> None:
        folder = Path(self.params["folder"])
        mine = folder / f"{self.job_id}.running"
        mine.touch()
        time.sleep(self.params.get("seconds", 0.05))
        self.set_result(len(list(folder.glob("*.running"))))
        mine.unlink()


def not_a_job(job_id: str, params: dict[str, Any]) -> None:
    pass


class Growing(QueueJobBase):
    def execute(self) -> None:
        self.set_result([{"number": number} for number in range(self.params["items"])])


class Noise(QueueJobBase):
    """20,000 items of 60 bytes, of which no compression takes more than two thirds away."""

    def execute(self) -> None:
        self.set_result([{"number": 10_000 + number, "noise": os.urandom(16).hex()} for number in range(20_000)])
