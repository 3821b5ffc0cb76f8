"""Jobs that were made together: a pattern for all of them, and what is each one's own. It enqueues nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from msgspec.structs import replace

from .job import Job, order_of

if TYPE_CHECKING:
    from collections.abc import Iterator


class Batch(Sequence[Job]):
    """Jobs that differ in nothing but their ids, moments and arguments. One that nobody looks at is never made.

    `orders` are the numbers within the ids (job.order_of), -1 for those that have none; `moments` are when the jobs
    were made, in seconds since the epoch.
    """

    __slots__ = ("args", "ids", "like", "moments", "orders")

    def __init__(
        self,
        like: Job,
        orders: Sequence[int],
        ids: Sequence[str],
        moments: Sequence[float],
        args: Sequence[bytes],
    ) -> None:
        self.like = like
        self.orders = orders
        self.ids = ids
        self.moments = moments
        self.args = args

    @classmethod
    def of(cls, jobs: Sequence[Job]) -> Batch:
        """Of jobs that are alike; the first is the pattern."""
        ids = [job.id for job in jobs]
        orders = [-1 if order is None else order for order in map(order_of, ids)]
        return cls(jobs[0], orders, ids, [job.created_at for job in jobs], [job.args for job in jobs])

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Job: ...
    @overload
    def __getitem__(self, index: slice) -> Batch: ...
    def __getitem__(self, index: int | slice) -> Job | Batch:
        if isinstance(index, slice):
            own = self.orders[index], self.ids[index], self.moments[index], self.args[index]
            return Batch(self.like, *own)
        return self._job(self.ids[index], self.moments[index], self.args[index])

    def __iter__(self) -> Iterator[Job]:
        return map(self._job, self.ids, self.moments, self.args)

    def _job(self, job_id: str, moment: float, args: bytes) -> Job:
        return replace(self.like, id=job_id, created_at=moment, args=args)
