"""Sends what a running job prints and logs to that job, and everything else where it went before.

What is written past Python, by a child process or a C library, is not seen.
"""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

from .context import current

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from _typeshed import ReadableBuffer


class Capture:
    """While installed, `sys.stdout`, `sys.stderr` and the root logger also serve the current job.

    Records from `level` on reach a job. Where logging was not set up at all, the root logger is opened to
    `level`, and outside of jobs it goes on to behave as if it had no handler.
    """

    def __init__(self, level: int = logging.INFO) -> None:
        self._handler = _JobHandler(level)
        self._streams: tuple[_JobStream, _JobStream] | None = None
        self._root_level: int | None = None

    def __enter__(self) -> Self:
        self.install()
        return self

    def __exit__(self, *error: object) -> None:
        self.uninstall()

    def install(self) -> None:
        """Put the proxies and the handler in place; a second call changes nothing."""
        if self._streams is not None:
            return
        out, err = self._streams = _JobStream("stdout", sys.stdout), _JobStream("stderr", sys.stderr)
        sys.stdout, sys.stderr = cast("TextIO", out), cast("TextIO", err)
        root = logging.getLogger()
        if not root.handlers and root.level > self._handler.level:
            self._root_level = root.level
            root.setLevel(self._handler.level)
        root.addHandler(self._handler)

    def uninstall(self) -> None:
        """Undo `install`. A stream that somebody has replaced since then stays as it is."""
        if self._streams is None:
            return
        out, err = self._streams
        self._streams = None
        if sys.stdout is cast("TextIO", out):
            sys.stdout = out.original
        if sys.stderr is cast("TextIO", err):
            sys.stderr = err.original
        root = logging.getLogger()
        root.removeHandler(self._handler)
        if self._root_level is not None:
            root.setLevel(self._root_level)
            self._root_level = None


class _JobStream(io.TextIOBase):
    """A text stream that is the job's in a job, and the original one everywhere else."""

    def __init__(self, name: str, original: TextIO) -> None:
        self.original = original
        self._name = name

    def write(self, text: str, /) -> int:
        context = current.get()
        if context is None:
            return self.original.write(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            context.output(self._name, text)
        return len(text)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if current.get() is None:
            self.original.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal. A job's output never is: no colours and no moving bars are kept."""
        return current.get() is None and self.original.isatty()

    def fileno(self) -> int:
        return self.original.fileno()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing: the stream is not the job's to close, and a proxy that is thrown away closes itself."""

    @property
    def buffer(self) -> _JobBytes:
        return _JobBytes(self._name, self.original)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.original.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self.original.errors

    @property
    def newlines(self) -> Any:  # type: ignore[override]
        return self.original.newlines

    def __getattr__(self, name: str) -> Any:
        if name == "original":
            raise AttributeError(name)
        return getattr(self.original, name)


class _JobBytes(io.BufferedIOBase):
    """The bytes below such a stream. A character that two writes share is shown as a replacement."""

    def __init__(self, name: str, original: TextIO) -> None:
        self._name = name
        self._original = original

    def write(self, data: ReadableBuffer, /) -> int:
        context = current.get()
        if context is None:
            return self._original.buffer.write(data)
        octets = bytes(data)
        if octets:
            context.output(self._name, octets.decode(self._original.encoding or "utf-8", "replace"))
        return len(octets)

    def flush(self) -> None:
        if current.get() is None:
            self._original.flush()

    def fileno(self) -> int:
        return self._original.fileno()

    def isatty(self) -> bool:
        return current.get() is None and self._original.isatty()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing, as above."""


class _JobHandler(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        context = current.get()
        if context is None:
            self._as_if_absent(record)
            return
        try:
            context.output("log", self.format(record))
        except Exception:
            self.handleError(record)

    def _as_if_absent(self, record: logging.LogRecord) -> None:
        """Where nobody set up logging, warnings go to stderr; this handler alone must not end that."""
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and logging.getLogger().handlers == [self]:
            last.handle(record)
