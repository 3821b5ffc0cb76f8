"""A caller's hold on a job: wait for its result, look at it, change it. It has an id and nothing of the job itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import msgspec

from .errors import ResultError, ResultTimeout
from .job import State

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Iterator

    from .client import AsyncClient, Client
    from .job import JobRecord
    from .result import ResultInfo
    from .results.asynchronous import AsyncStream

R = TypeVar("R")


# A handle is in no circle of references, and thousands of them come at once: the collector need not look at them.
class AsyncHandle(msgspec.Struct, Generic[R], gc=False, eq=False):
    """`existing` is true where another job held the unique key, and this is that one."""

    _client: AsyncClient
    id: str
    existing: bool = False

    async def result(self, timeout: float | None = None) -> R:
        """What its task returned. `timeout` is in seconds, None waits for ever.

        Raises ResultTimeout, ResultError where the job is dead or cancelled, JobNotFound.
        """
        store = self._client.store
        state = await store.wait_finished(self.id, timeout)
        if state is None:
            raise ResultTimeout(f"job {self.id} did not end within {timeout} s; it goes on, ask again later")
        if state is not State.SUCCEEDED:
            raise ResultError(why_none(await store.get(self.id)))
        return cast("R", await self._client._result(self.id))

    async def result_info(self) -> ResultInfo:
        """Size, shape and a sample, of a result that is still being written too. Takes no longer for a larger one.

        Raises ResultError where there is none (yet), JobNotFound.
        """
        return await self._client._finder.info(self.id)

    async def page(self, offset: int = 0, limit: int = 100, at: str | None = None) -> list[Any]:
        """Items of a result that is a list, or a dict with a list at the key `at`, without loading the rest.

        A negative `offset` counts from the end. Raises ResultError where there is no such list.
        """
        return await self._client._finder.page(self.id, offset, limit, at)

    def pages(self, size: int = 1000, at: str | None = None, *, follow: bool = False) -> AsyncIterator[list[Any]]:
        """All items, `size` at a time; with `follow` those of a job that has not ended as soon as they are written.

        Raises ResultError where there is no such list, and where a job that is followed fails.
        """
        return self._client._finder.pages(self.id, size, at, follow)

    async def open_result(self, at: str | None = None) -> AsyncStream:
        """A stream of bytes: of a list each item as a line of JSON, of bytes these, else one JSON text.

        `at` is the key of a list in a dict. Raises ResultError.
        """
        from .results.asynchronous import AsyncStream

        opened = await self._client._finder.open(self.id)
        return AsyncStream(opened.stream(at))

    async def look(self) -> JobRecord:
        return await self._client.get(self.id)

    async def cancel(self) -> bool:
        return await self._client.cancel(self.id) == 1

    async def retry(self) -> bool:
        return await self._client.retry(self.id) == 1

    async def delete(self) -> bool:
        return await self._client.delete(self.id) == 1

    async def hold(self) -> bool:
        return await self._client.hold(self.id) == 1

    async def release(self) -> bool:
        return await self._client.release(self.id) == 1

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


class Handle(msgspec.Struct, Generic[R], gc=False, eq=False):
    """The same for synchronous callers."""

    _client: Client
    id: str
    existing: bool = False

    def result(self, timeout: float | None = None) -> R:
        return self._client.run(self._aio.result(timeout), "result")

    def result_info(self) -> ResultInfo:
        return self._client.run(self._aio.result_info(), "result_info")

    def page(self, offset: int = 0, limit: int = 100, at: str | None = None) -> list[Any]:
        return self._client.run(self._aio.page(offset, limit, at), "page")

    def pages(self, size: int = 1000, at: str | None = None, *, follow: bool = False) -> Iterator[list[Any]]:
        pages = self._aio.pages(size, at, follow=follow)
        while page := self._client.run(_next(pages), "pages"):
            yield page

    def open_result(self, at: str | None = None) -> io.BufferedReader:
        opened = self._client.run(self._client.aio._finder.open(self.id), "open_result")
        return opened.stream(at)

    def look(self) -> JobRecord:
        return self._client.get(self.id)

    def cancel(self) -> bool:
        return self._client.cancel(self.id) == 1

    def retry(self) -> bool:
        return self._client.retry(self.id) == 1

    def delete(self) -> bool:
        return self._client.delete(self.id) == 1

    def hold(self) -> bool:
        return self._client.hold(self.id) == 1

    def release(self) -> bool:
        return self._client.release(self.id) == 1

    @property
    def _aio(self) -> AsyncHandle[R]:
        return AsyncHandle(self._client.aio, self.id)

    __repr__ = AsyncHandle.__repr__


async def _next(pages: AsyncIterator[list[Any]]) -> list[Any]:
    """The next page, empty at the end."""
    return await anext(pages, [])


def why_none(record: JobRecord) -> str:
    error = record.error or {}
    said = ": ".join(str(error[part]) for part in ("type", "message") if error.get(part))
    reason = f" ({error['reason']})" if error.get("reason") else ""
    return f"job {record.id} ({record.task}) is {record.state.word}{reason}: {said or 'no error was recorded'}"
