"""A job in a caller's hand:

wait for its result, look at it, change it. It holds an id and nothing of the job itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from .errors import ResultError, ResultTimeout
from .job import State

if TYPE_CHECKING:
    from .client import AsyncClient, Client
    from .job import JobRecord

R = TypeVar("R")


class AsyncHandle(Generic[R]):
    """`existing` is true where another job held the unique key, and this is that one."""

    def __init__(self, client: AsyncClient, job_id: str, *, existing: bool = False) -> None:
        self._client = client
        self.id = job_id
        self.existing = existing

    async def result(self, timeout: float | None = None) -> R:
        """What its task returned. `timeout` is in seconds, None waits for ever.

        Raises ResultTimeout, ResultError where the job is dead or cancelled, JobNotFound.
        """
        store = self._client.store
        state = await store.wait_finished(self.id, timeout)
        if state is None:
            raise ResultTimeout(f"job {self.id} did not end within {timeout} s; it goes on, ask again later")
        if state is not State.SUCCEEDED:
            raise ResultError(_why(await store.get(self.id)))
        data = await store.result(self.id)
        return cast("R", None if data is None else self._client._decode(data))

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


class Handle(Generic[R]):
    """The same for synchronous callers."""

    def __init__(self, client: Client, job_id: str, *, existing: bool = False) -> None:
        self._client = client
        self.id = job_id
        self.existing = existing

    def result(self, timeout: float | None = None) -> R:
        waiting: AsyncHandle[R] = AsyncHandle(self._client.aio, self.id)
        return self._client.run(waiting.result(timeout), "result")

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

    __repr__ = AsyncHandle.__repr__


def _why(record: JobRecord) -> str:
    error = record.error or {}
    said = ": ".join(str(error[part]) for part in ("type", "message") if error.get(part))
    reason = f" ({error['reason']})" if error.get("reason") else ""
    return f"job {record.id} ({record.task}) is {record.state.word}{reason}: {said or 'no error was recorded'}"
