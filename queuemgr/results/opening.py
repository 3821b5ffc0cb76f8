"""Finds a job's result, wherever it is: in the store, in its place, or still being written. It changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queuemgr.errors import ResultError
from queuemgr.job import State
from queuemgr.result import Owner, Reference

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from queuemgr.codec import Codec
    from queuemgr.job import JobRecord
    from queuemgr.result import ResultInfo, ResultPlace, Results
    from queuemgr.store import Store

    from .reader import StoredResult
    from .small import SmallResult

    Opened = StoredResult | SmallResult

LOOK = 0.25
"""Seconds between two looks at a result that grows."""


def place_of(store: Store, settings: Results) -> ResultPlace | None:
    """What was asked for, else the store's own place, else a folder beside the store's file; None without a file."""
    from .files import FilePlace

    if settings.place is not None:
        return settings.place
    if settings.folder is not None:
        return FilePlace(Path(settings.folder).absolute())
    if (own := getattr(store, "results", None)) is not None:
        place: ResultPlace = own
        return place
    path: Path | None = getattr(store, "path", None)
    return None if path is None else FilePlace(Path(f"{path.absolute()}-results"))


class Finder:
    """Opens results. `why` says of a job that has none why that is so."""

    def __init__(self, store: Store, place: ResultPlace | None, codec: Codec, why: Callable[[JobRecord], str]) -> None:
        self._store = store
        self._place = place
        self._codec = codec
        self._why = why

    async def load(self, job_id: str, reference: Reference) -> Any:
        """The whole value of a large result. Raises ResultError where it is gone, StoreError, UndecodableError."""
        return await asyncio.to_thread(self._load, job_id, reference)

    async def open(self, job_id: str) -> Opened:
        """Raises JobNotFound, ResultError where there is no result (yet), StoreError, UndecodableError."""
        return (await self._open_soon(job_id, wait=False))[0]

    async def info(self, job_id: str) -> ResultInfo:
        """Raises as `open`."""
        with await self.open(job_id) as opened:
            return await asyncio.to_thread(opened.info)

    async def page(self, job_id: str, offset: int, limit: int, at: str | None) -> list[Any]:
        """Raises as `open`, and ResultError where there is no such list."""
        with await self.open(job_id) as opened:
            return await asyncio.to_thread(opened.page, offset, limit, at)

    async def pages(self, job_id: str, size: int, at: str | None, follow: bool) -> AsyncIterator[list[Any]]:
        """Items of a list, at most `size` at a time; with `follow` also those to come, until the job has ended.

        Raises as `open`, and ResultError where a run that is followed does not end with its result.
        """
        start, (opened, attempt) = 0, await self._open_soon(job_id, wait=follow)
        with opened:
            while True:
                record = await self._store.get(job_id)
                ended = record.state is not State.RUNNING or record.attempt != attempt
                complete = await asyncio.to_thread(opened.refresh)
                while page := await asyncio.to_thread(opened.page, start, size, at):
                    start += len(page)
                    yield page
                if complete or not follow:
                    return
                if ended:
                    raise ResultError(self._why(record))
                await self._store.wait_finished(job_id, LOOK)

    async def _open_soon(self, job_id: str, *, wait: bool) -> tuple[Opened, int]:
        """With the attempt that wrote it."""
        while (found := await self._open(record := await self._store.get(job_id))) is None:
            if not wait:
                raise _nothing_yet(record)
            await self._store.wait_finished(job_id, LOOK)
        return found, record.attempt

    async def _open(self, record: JobRecord) -> Opened | None:
        """None where there is nothing yet."""
        from .reader import StoredResult

        if record.state is State.RUNNING and self._place is not None:
            source = await asyncio.to_thread(self._place.growing, Owner(record.id, record.attempt))
            return None if source is None else StoredResult(source, self._codec)
        if not record.state.finished:
            return None
        data = await self._store.result(record.id)
        if data is None and record.state is not State.SUCCEEDED:
            raise ResultError(self._why(record))
        return await asyncio.to_thread(self._of_data, record.id, data)

    def _of_data(self, job_id: str, data: bytes | None) -> Opened:
        from .small import SmallResult

        reference = Reference.read(data)
        return SmallResult(data, self._codec) if reference is None else self._stored(job_id, reference)

    def _load(self, job_id: str, reference: Reference) -> Any:
        with self._stored(job_id, reference) as stored:
            return stored.load()

    def _stored(self, job_id: str, reference: Reference) -> StoredResult:
        from .reader import StoredResult

        if self._place is None:
            raise ResultError(
                f"the result of job {job_id} is kept outside of the store, and here nobody knows where: "
                "give the App the same results=Results(folder=...) that its worker has"
            )
        try:
            source = self._place.open(reference.digest)
        except KeyError:
            raise ResultError(
                f"the result of job {job_id} ({reference.kind}, {reference.size:,} bytes) is not in {self._place.name} "
                f"any more: it was too old or too much there; `queuemgr jobs retry {job_id}` makes it again"
            ) from None
        return StoredResult(source, self._codec, expected=reference)


def _nothing_yet(record: JobRecord) -> ResultError:
    return ResultError(
        f"job {record.id} ({record.task}) is {record.state.word} and has no result yet: "
        "wait for its end, or read it with pages(follow=True) while it is written"
    )
