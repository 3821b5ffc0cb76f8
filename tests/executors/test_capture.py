"""What jobs print and log goes to them, and nothing else does."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.capture import Capture
from queuemgr.context import JobContext, current
from queuemgr.executors.aio import AioExecutor
from queuemgr.executors.threads import ThreadExecutor
from tests.executors.calls import Heard, make_call

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET = logging.getLogger("tests.capture")


@contextmanager
def in_job() -> Iterator[Heard]:
    heard = Heard()
    token = current.set(JobContext("1", "task", "default", 1, heard))
    try:
        yield heard
    finally:
        current.reset(token)


@contextmanager
def streams() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Other streams than pytest's below the captured ones."""
    before = sys.stdout, sys.stderr
    out, err = io.StringIO(), io.StringIO()
    sys.stdout, sys.stderr = out, err
    try:
        yield out, err
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def bare_logging() -> Iterator[logging.Logger]:
    """The root logger as it is in a program that never set up logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    root.setLevel(logging.WARNING)
    try:
        yield root
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def test_what_a_job_prints_goes_to_it_and_not_to_the_terminal() -> None:
    with streams() as (out, err), Capture(), in_job() as heard:
        print("hello", 1, 2)
        print("oh", file=sys.stderr)
    assert (heard.text("stdout"), heard.text("stderr")) == ("hello 1 2\n", "oh\n")
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_what_is_printed_outside_of_a_job_goes_where_it_went() -> None:
    with streams() as (out, err), Capture():
        print("hello")
        print("oh", file=sys.stderr)
    assert (out.getvalue(), err.getvalue()) == ("hello\n", "oh\n")


def test_concurrent_coroutines_keep_their_lines_apart_and_lose_none() -> None:
    async def talks(name: str) -> None:
        for number in range(50):
            print(name, end=" ")
            await asyncio.sleep(0)
            print(number)

    async def main() -> list[Heard]:
        executor, ears = AioExecutor(), [Heard() for _ in range(5)]
        calls = [make_call(talks, f"n{index}", heard=heard) for index, heard in enumerate(ears)]
        await asyncio.gather(*map(executor.run, calls))
        return ears

    with streams() as (out, _), Capture():
        ears = asyncio.run(main())
    for index, heard in enumerate(ears):
        assert heard.text("stdout") == "".join(f"n{index} {number}\n" for number in range(50))
    assert out.getvalue() == ""


def test_jobs_in_threads_keep_their_lines_apart_and_lose_none() -> None:
    barrier = threading.Barrier(4)

    def talks(name: str) -> None:
        barrier.wait()
        for number in range(200):
            print(name, number)

    async def main() -> list[Heard]:
        executor, ears = ThreadExecutor(4), [Heard() for _ in range(4)]
        await executor.open()
        calls = [make_call(talks, f"n{index}", heard=heard) for index, heard in enumerate(ears)]
        await asyncio.gather(*map(executor.run, calls))
        await executor.close()
        return ears

    with Capture():
        ears = asyncio.run(main())
    for index, heard in enumerate(ears):
        assert heard.text("stdout") == "".join(f"n{index} {number}\n" for number in range(200))


def test_the_worker_is_outside_again_once_the_run_has_ended() -> None:
    async def talks() -> None:
        print("inside")

    async def main() -> Heard:
        heard = Heard()
        await AioExecutor().run(make_call(talks, heard=heard))
        print("outside")
        return heard

    with streams() as (out, _), Capture():
        heard = asyncio.run(main())
    assert (heard.text("stdout"), out.getvalue()) == ("inside\n", "outside\n")


def test_records_arrive_with_their_level_and_logger() -> None:
    with bare_logging(), Capture(), in_job() as heard:
        QUIET.info("half %s", "way")
    assert heard.lines == [("log", "INFO tests.capture: half way")]


def test_an_exception_is_logged_with_its_traceback() -> None:
    with Capture(), in_job() as heard:
        try:
            1 / 0  # noqa: B018 - raises
        except ZeroDivisionError:
            QUIET.exception("oh")
    text = heard.text("log")
    assert text.startswith("ERROR tests.capture: oh\nTraceback")
    assert "ZeroDivisionError" in text


def test_records_below_the_level_are_left_out() -> None:
    with bare_logging() as root, Capture(level=logging.ERROR), in_job() as heard:
        root.setLevel(logging.DEBUG)
        QUIET.warning("not so bad")
    assert heard.lines == []


def test_a_root_logger_that_somebody_set_up_keeps_its_level() -> None:
    with bare_logging() as root:
        root.addHandler(logging.NullHandler())
        with Capture(), in_job() as heard:
            QUIET.info("not wanted")
            assert root.level == logging.WARNING
    assert heard.lines == []


def test_where_logging_was_not_set_up_warnings_outside_of_jobs_still_reach_the_terminal() -> None:
    with streams() as (_, err), bare_logging() as root:
        with Capture():
            assert root.level == logging.INFO
            QUIET.warning("watch out")
            QUIET.info("by the way")
        assert (root.level, root.handlers) == (logging.WARNING, [])
    assert err.getvalue() == "watch out\n"


def test_records_outside_of_jobs_are_not_repeated_where_there_are_other_handlers() -> None:
    with streams() as (_, err), bare_logging() as root:
        root.addHandler(logging.NullHandler())
        with Capture():
            QUIET.warning("watch out")
    assert err.getvalue() == ""


def test_a_record_that_cannot_be_formatted_does_not_fail_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", True)
    with bare_logging(), Capture(), in_job() as heard:
        QUIET.warning("%d", "no number")
        QUIET.warning("next")
    assert "Logging error" in heard.text("stderr")
    assert heard.text("log") == "WARNING tests.capture: next"


def test_uninstalling_puts_everything_back() -> None:
    with streams() as (out, err):
        handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
        capture = Capture()
        capture.install()
        capture.install()
        assert sys.stdout is not out
        capture.uninstall()
        capture.uninstall()
        assert (sys.stdout, sys.stderr) == (out, err)
        assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)


def test_a_stream_that_somebody_put_above_stays_and_works_on() -> None:
    with streams() as (out, err):
        capture = Capture()
        capture.install()
        above = sys.stdout = io.TextIOWrapper(sys.stdout.buffer, write_through=True)
        capture.uninstall()
        assert sys.stdout is above
        assert sys.stderr is err
        with in_job() as heard:
            print("through both")
        assert (heard.text("stdout"), out.getvalue()) == ("through both\n", "")


def test_it_is_a_text_stream_like_the_one_below(tmp_path: Any) -> None:
    with streams(), (tmp_path / "out").open("w", encoding="latin-1", errors="replace") as below:
        sys.stdout = below
        with Capture():
            assert isinstance(sys.stdout, io.TextIOBase)
            stream: Any = sys.stdout
            assert (stream.encoding, stream.errors, stream.newlines) == ("latin-1", "replace", None)
            assert (stream.fileno(), stream.name, stream.mode) == (below.fileno(), below.name, "w")
            assert (stream.writable(), stream.readable(), stream.closed) == (True, False, False)
            stream.writelines(["a", "b"])
            stream.flush()
            stream.buffer.write(b"c")
            stream.buffer.flush()
            assert stream.buffer.fileno() == below.fileno()
        assert (tmp_path / "out").read_text() == "abc"


def test_lines_and_bytes_that_a_job_writes_are_captured() -> None:
    with streams() as (out, _), Capture(), in_job() as heard:
        sys.stdout.writelines(["a\n", "b\n"])
        sys.stdout.flush()
        assert sys.stdout.buffer.write("ü\n".encode()) == 3
        assert sys.stdout.write("") == 0
    assert heard.lines == [("stdout", "a\n"), ("stdout", "b\n"), ("stdout", "ü\n")]
    assert out.getvalue() == ""


def test_only_text_can_be_written() -> None:
    with Capture(), in_job(), pytest.raises(TypeError, match="must be str, not bytes"):
        sys.stdout.write(b"bytes")  # type: ignore[arg-type]


def test_a_job_has_no_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    with streams():
        sys.stdout = Terminal()
        with Capture():
            assert sys.stdout.isatty()
            with in_job():
                assert not sys.stdout.isatty()
                assert not sys.stdout.buffer.isatty()


def test_a_job_cannot_close_the_workers_streams() -> None:
    with streams() as (out, _), Capture():
        with in_job():
            sys.stdout.close()
            sys.stdout.buffer.close()
        print("still here")
    assert out.getvalue() == "still here\n"


def test_a_proxy_that_is_thrown_away_leaves_the_stream_below_open() -> None:
    with streams() as (out, _):
        with Capture():
            pass
        print("still here")
    assert out.getvalue() == "still here\n"


def test_what_a_child_process_writes_is_not_the_jobs(capfd: pytest.CaptureFixture[str]) -> None:
    with Capture(), in_job() as heard:
        os.write(1, b"past Python\n")
    assert heard.lines == []
    assert capfd.readouterr().out == "past Python\n"
