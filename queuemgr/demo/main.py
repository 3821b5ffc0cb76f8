"""The demo's front door: options in, exit code out, a good end for every stop. What happens is in course.py."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from queuemgr.errors import ConfigError, QueuemgrError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from .course import Course

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(
    folder: str | None = None,
    *,
    store: str | None = None,
    json: bool = False,
    processes: int = 2,
    limit: int | None = None,
    kill: bool = False,
    seconds: float = 2.5,
    web: bool = False,
) -> int:
    """Read every file below `folder` (by default the standard library) in a job of its own, show it, and check it.

    Parameters: `store` is a URL (by default a new file in a temporary folder, which is kept); with `json` the summary
    is JSON and the progress goes to stderr; `processes` workers; at most `limit` files; `kill` kills a worker twice
    instead of once; each of the largest files takes `seconds`; with `web` the page shows it meanwhile, and at a
    terminal until Ctrl-C. Returns the exit code: 0, 1 where a direct computation differs or the store fails, 2 where
    folder or options cannot be used, 128 and the signal's number when stopped.
    """
    from .course import Course, Wishes
    from .lines import choose_display
    from .summary import show

    kills = 2 if kill else 1
    wishes = Wishes(folder=folder, store=store, processes=processes, limit=limit, kills=kills, seconds=seconds, web=web)
    course = Course(wishes)
    try:
        with _stoppable(), closing(course):
            summary = course.run(choose_display(quiet=json))
            if json:
                print(summary.as_json(), end="")
            else:
                show(summary)
                _stay_open(course.page_url)
            return 0 if summary.equal else 1
    except _Stopped as stopped:
        print(_goodbye(course), file=sys.stderr)
        return 128 + stopped.signum
    except BrokenPipeError:
        # Whoever read the output has seen enough; the interpreter must not stumble over it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (QueuemgrError, OSError) as error:
        print(f"queuemgr demo: {error}", file=sys.stderr)
        return 2 if isinstance(error, (ConfigError, OSError)) else 1


def _stay_open(page_url: str) -> None:
    """Whoever sits at a terminal may look at the page for as long as he likes."""
    if page_url and sys.stdin.isatty() and sys.stdout.isatty():
        with suppress(_Stopped):
            print(f"\nThe page stays at {page_url} until Ctrl-C.", flush=True)
            threading.Event().wait()


class _Stopped(BaseException):
    def __init__(self, signum: int) -> None:
        self.signum = signum


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C and its kin end the block by _Stopped, once: nothing disturbs the cleaning up that follows."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    ours = [one for one in STOPS if in_main_thread and signal.getsignal(one) is not signal.SIG_IGN]

    def stop(signum: int, _: FrameType | None) -> None:
        for one in ours:
            signal.signal(one, signal.SIG_IGN)
        raise _Stopped(signum)

    before = [(one, signal.signal(one, stop)) for one in ours]
    try:
        yield
    finally:
        for one, handler in before:
            signal.signal(one, handler)


def _goodbye(course: Course) -> str:
    from .summary import commands, export

    if not course.total:
        return "stopped before the first job was enqueued"
    return (
        f"stopped, and no process is left. {course.done:,} of {course.total:,} jobs are done; for the others:"
        f"\n\n  {export(course.url)}\n  {commands()['worker']}\n"
    )
