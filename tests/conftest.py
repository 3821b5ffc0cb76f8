"""What every test gets: the table of what was exercised, and the watch for processes and threads left behind.

`@pytest.mark.needs("gcc")` says what a test needs from the machine, as the fixture `needs` does for what other fixtures
need. Where that is missing the test is skipped; with CI=true it fails. A new server or tool is one more entry in
COMPONENTS. Real servers come from tests/servers. Holds no fixture of a single area.
"""

from __future__ import annotations

import multiprocessing.resource_tracker
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.servers.programs import missing

pytest_plugins = ["tests.leaks", "tests.servers.plugin", "tests.together"]

GRACE = 20.0  # seconds that a process or thread may take to end after its test, on a machine that is busy
PROPERTY = "component"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background deaf to Ctrl-C, and every process that the tests start would be, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@dataclass(frozen=True, slots=True)
class Component:
    """Something outside the package that tests work with.

    `missing` returns None where the component is at hand, else why it is not and what to do. `used` tells its
    use by an audit event of the interpreter, so that a test counts even if it does not carry the mark.
    """

    title: str
    missing: Callable[[], str | None]
    used: Callable[[str, tuple[Any, ...]], bool] = lambda event, details: False


def _c_compiler_missing() -> str | None:
    if any(map(shutil.which, ("gcc", "cc", "clang"))):
        return None
    return "no C compiler on PATH (Debian, Ubuntu: apt-get install gcc libc6-dev)"


def _runs_c_compiler(event: str, details: tuple[Any, ...]) -> bool:
    if event != "subprocess.Popen":
        return False
    program = details[0] or details[1][0]
    return Path(os.fsdecode(program)).name in {"gcc", "cc", "clang"}


def _kills_another_process(event: str, details: tuple[Any, ...]) -> bool:
    return event == "os.kill" and details[0] != os.getpid() and details[1] != 0


COMPONENTS = {
    "sqlite": Component(
        title=f"sqlite {sqlite3.sqlite_version}",
        missing=lambda: None,
        used=lambda event, details: event == "sqlite3.connect",
    ),
    "gcc": Component(
        title="gcc (power loss)",
        missing=_c_compiler_missing,
        used=_runs_c_compiler,
    ),
    "processes": Component(
        title="real processes, killed",
        missing=lambda: None if os.name == "posix" else "needs POSIX signals: run the suite on Linux",
        used=_kills_another_process,
    ),
    "redis": Component(title="redis-server", missing=partial(missing, "redis-server")),
    "postgresql": Component(title="postgresql", missing=partial(missing, "initdb", "postgres")),
    "mariadb": Component(title="mariadb", missing=partial(missing, "mariadbd", "mariadb-install-db")),
    "pgbouncer": Component(title="pgbouncer", missing=partial(missing, "pgbouncer")),
    "chromium": Component(title="chromium", missing=partial(missing, "chromium")),
    "php": Component(title="php with Laravel", missing=partial(missing, "php")),
}

_seen: set[str] = set()


def _watch(event: str, details: tuple[Any, ...]) -> None:
    for name, component in COMPONENTS.items():
        if name not in _seen and component.used(event, details):
            _seen.add(name)


def pytest_configure() -> None:
    sys.addaudithook(_watch)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _seen.clear()
    needed = {name for mark in item.iter_markers("needs") for name in mark.args}
    if item.get_closest_marker("crash"):
        needed.add("processes")
    for name in sorted(needed):
        _need(item, name)


def _need(item: pytest.Item, name: str) -> None:
    if name not in COMPONENTS:
        pytest.fail(f"needs({name!r}): tests/conftest.py knows {', '.join(COMPONENTS)}", pytrace=False)
    item.user_properties.append((PROPERTY, name))
    if why := COMPONENTS[name].missing():
        (pytest.fail if IN_CI else pytest.skip)(f"{name}: {why}")


@pytest.fixture
def needs(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """For fixtures: says that every test which uses them needs this component."""
    return partial(_need, request.node)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    finally:
        item.user_properties.extend((PROPERTY, name) for name in sorted(_seen))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if IN_CI and session.exitstatus == pytest.ExitCode.OK and any(c.missing() for c in COMPONENTS.values()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    yield
    tally = {name: Tally() for name in COMPONENTS}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(outcome):
            for name in {value for key, value in getattr(report, "user_properties", ()) if key == PROPERTY}:
                tally[name].count(outcome, report.nodeid)
    terminalreporter.section("what was exercised")
    width = max(len(component.title) for component in COMPONENTS.values())
    terminalreporter.line(f"{'component':{width}}  exercised  tests, or why not")
    for name, component in COMPONENTS.items():
        missing = component.missing()
        word = "yes" if tally[name].ran and not missing else "NO"
        terminalreporter.line(f"{component.title:{width}}  {word:9}  {tally[name].tell(missing)}")


@dataclass(slots=True)
class Tally:
    tests: dict[str, set[str]] = field(default_factory=dict)

    def count(self, outcome: str, test: str) -> None:
        self.tests.setdefault("failed" if outcome == "error" else outcome, set()).add(test)

    @property
    def ran(self) -> bool:
        return bool(self.tests.keys() & {"passed", "failed"})

    def tell(self, missing: str | None) -> str:
        counts = [f"{len(tests)} {outcome}" for outcome, tests in self.tests.items()]
        if missing:
            counts.append(f"{missing}{': a failure with CI=true' if IN_CI else ''}")
        return ", ".join(counts) or "no test of this run uses it"


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fails a test that leaves a child process or a non-daemon thread behind, and ends such a process."""
    processes, threads = _children(), _threads()
    yield
    deadline = time.monotonic() + GRACE
    while (left := [*(_children() - processes), *(_threads() - threads)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    told = [_describe(one) for one in left]
    for one in left:
        if isinstance(one, psutil.Process):
            _end(one)
    if told:
        pytest.fail(f"the test left behind: {'; '.join(told)}", pytrace=False)


def _children() -> set[psutil.Process]:
    # multiprocessing keeps one helper per interpreter for as long as that runs: it is nobody's leak.
    helper = getattr(multiprocessing.resource_tracker._resource_tracker, "_pid", None)
    if _pids_of_children() <= {helper}:
        return set()
    return {child for child in psutil.Process().children(recursive=True) if child.pid != helper}


def _pids_of_children() -> set[int | None]:
    """The pids of this process's own children, from the kernel: psutil reads every process of the machine for that."""
    try:
        told = [children.read_text() for children in Path("/proc/self/task").glob("*/children")]
    except OSError:  # a thread ended in between
        told = []
    if not told:
        return {child.pid for child in psutil.Process().children()}
    return {int(pid) for line in told for pid in line.split()}


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.daemon}


def _describe(one: psutil.Process | threading.Thread) -> str:
    if isinstance(one, threading.Thread):
        return f"thread {one.name} (join it)"
    try:
        command = " ".join(one.cmdline())
    except psutil.Error:  # it has ended and nobody has waited for it
        command = "ended"
    return f"process {one.pid}, {command} (stop it and wait for it)"


def _end(process: psutil.Process) -> None:
    try:
        process.kill()
        process.wait(GRACE)
    except psutil.Error:
        pass
