"""Compresses and writes frames in a thread of its own, while the next ones are encoded. It knows no values.

Zstandard, SHA-256 and the writing let other threads run meanwhile. A few frames at most are on their way.
"""

from __future__ import annotations

import hashlib
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from .frames import compressor, pack, tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.result import Draft

    from .frames import Index

ON_THE_WAY = 4
"""Frames that wait for the thread at most."""


class Press:
    """Fills `draft` and `index`. Its thread begins with the first frame, and ends with `finish` or `discard`."""

    def __init__(self, draft: Draft, index: Index) -> None:
        self.stored = 0
        self._draft = draft
        self._index = index
        self._compressor = compressor()
        self._digest = hashlib.sha256()
        self._room = threading.Semaphore(ON_THE_WAY)
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def put(self, type_: str, key: str | None, data: bytes, count: int) -> None:
        """One more frame. Raises what went wrong with an earlier one."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="queuemgr result", daemon=True)
            self._thread.start()
        self._room.acquire()
        self._check()
        self._work.put(lambda: self._press(type_, key, data, count))

    def drain(self) -> None:
        """Return once everything is written. Raises what went wrong."""
        if self._thread is not None:
            written = threading.Event()
            self._work.put(written.set)
            written.wait()
        self._check()

    def finish(self) -> str:
        """Write the index, and make it all safe; the digest of the bytes. Raises StoreUnavailable."""
        self.drain()
        self._end()
        self._write(tail(self._index))
        digest = self._digest.hexdigest()
        self._draft.keep(digest)
        return digest

    def discard(self) -> None:
        self._end()
        self._draft.discard()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _press(self, type_: str, key: str | None, data: bytes, count: int) -> None:
        try:
            if self._error is None:
                head, frame = pack(type_, count, data, self._compressor)
                self._write(frame)
                self._index.add(type_, key, head)
        except BaseException as error:
            self._error = error
        finally:
            self._room.release()

    def _write(self, data: bytes) -> None:
        self._draft.write(data)
        self._digest.update(data)
        self.stored += len(data)

    def _end(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(None)
            thread.join()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
