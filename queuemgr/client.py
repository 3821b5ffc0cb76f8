"""What a program asks of its queue. Each verb is written once, asynchronously; the synchronous one crosses the portal.

Enqueueing is the exception: a producer's path is direct where the store has one. The client runs no jobs.
"""

from __future__ import annotations

from _thread import allocate_lock
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import UndecodableError, Unsupported
from .handle import AsyncHandle, Handle, why_none
from .recurrence import next_after
from .result import REFERENCE, Reference, Results
from .schedule import Schedule
from .store import Page, Query
from .task import jobs_of
from .ticker import declare

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence

    from .clock import Clock
    from .codec import Codec
    from .job import Job, JobRecord
    from .portal import Portal
    from .recurrence import Rule
    from .result import ResultPlace
    from .results.opening import Finder
    from .store import Enqueued, OutputLine, QueueInfo, ScheduleInfo, Store, WorkerInfo
    from .task import Call

R = TypeVar("R")
T = TypeVar("T")


class AsyncClient:
    """The verbs for asynchronous callers. All of them raise StoreError where the store cannot be used."""

    def __init__(
        self,
        store: Callable[[], Store],
        codec: Codec,
        learn: Callable[[], None] = lambda: None,
        results: Results | None = None,
    ) -> None:
        self._open = store
        self._learn = learn
        self._results = results or Results()
        self._making = allocate_lock()
        self.codec = codec

    @cached_property
    def store(self) -> Store:
        return _once(self, "store", self._open)

    @cached_property
    def _place(self) -> ResultPlace | None:
        """Where large results are kept; None where nowhere."""
        from .results.opening import place_of

        return _once(self, "_place", partial(place_of, self.store, self._results))

    @property
    def clock(self) -> Clock:
        return self.store.clock

    async def enqueue(self, call: Call[R]) -> AsyncHandle[R]:
        """Raises JobExists where its unique key is taken."""
        return (await self.enqueue_many([call]))[0]

    async def enqueue_many(self, calls: Iterable[Call[R]], connection: Any = None) -> list[AsyncHandle[R]]:
        """All of them in one transaction, or none; with `connection`, in the caller's own transaction on it."""
        jobs = jobs_of(calls)
        done = await (self.store.enqueue(jobs) if connection is None else self._enqueue_on(connection, jobs))
        return [AsyncHandle(self, one.id, one.existing) for one in done]

    async def _enqueue_on(self, connection: Any, jobs: Sequence[Job]) -> list[Enqueued]:
        for verb in ("enqueue_on_async", "enqueue_on"):
            if (enqueue := getattr(self.store, verb, None)) is not None:
                # A connection whose own verbs are synchronous, as SQLite's are, takes jobs in the same manner.
                done: list[Enqueued] | Awaitable[list[Enqueued]] = enqueue(connection, jobs)
                return done if isinstance(done, list) else await done
        raise Unsupported(_cannot_take_part(self.store))

    def handle(self, job_id: str) -> AsyncHandle[Any]:
        """A handle of a job that was enqueued elsewhere."""
        return AsyncHandle(self, job_id)

    async def get(self, job_id: str) -> JobRecord:
        """Raises JobNotFound."""
        return await self._sized(await self.store.get(job_id))

    async def arguments(self, job_id: str) -> list[Any]:
        """`[positional]` or `[positional, named]`. Raises JobNotFound, UndecodableError."""
        arguments: list[Any] = self._decode(await self.store.arguments(job_id))
        return arguments

    def _decode(self, data: bytes) -> Any:
        """Arguments or a result. Raises UndecodableError."""
        try:
            return self.codec.decode(data)
        except UndecodableError:
            # A class may be known to a task that nobody has called in this process yet.
            self._learn()
            return self.codec.decode(data)

    async def output(self, job_id: str, after: int = 0, limit: int = 1000) -> list[OutputLine]:
        """What it printed and logged, from the line that follows position `after`. Raises JobNotFound."""
        return await self.store.output(job_id, after, limit)

    async def find(self, query: Query | None = None, limit: int = 50, after: int | str | None = None) -> Page:
        page = await self.store.find(query or Query(), limit, after)
        return Page([await self._sized(j) if j.result_size == REFERENCE else j for j in page.jobs], page.after)

    async def count(self, query: Query | None = None) -> int:
        return await self.store.count(query or Query())

    async def cancel(self, *job_ids: str, query: Query | None = None) -> int:
        """Waiting jobs end at once, running ones as soon as they can be stopped; how many were told to."""
        return await self.store.change("cancel", _which(job_ids, query))

    async def retry(self, *job_ids: str, query: Query | None = None) -> int:
        """Finished jobs run again from the start, delayed ones at once; how many."""
        return await self.store.change("retry", _which(job_ids, query))

    async def delete(self, *job_ids: str, query: Query | None = None) -> int:
        """Forget jobs with their results, history and output; running ones are left alone; how many went."""
        return await self.store.change("delete", _which(job_ids, query))

    async def hold(self, *job_ids: str, query: Query | None = None) -> int:
        return await self.store.change("hold", _which(job_ids, query))

    async def release(self, *job_ids: str, query: Query | None = None) -> int:
        return await self.store.change("release", _which(job_ids, query))

    async def prioritise(self, query: Query, priority: int) -> int:
        """Waiting jobs get this priority, 0 to 9 (9 runs first); how many. Running and finished ones are left alone.

        Raises ConfigError for another number, Unsupported where the store has no priorities.
        """
        return await self.store.prioritise(query, priority)

    async def queues(self) -> list[QueueInfo]:
        return await self.store.queues()

    async def workers(self) -> list[WorkerInfo]:
        return await self.store.workers()

    async def pause(self, queue: str) -> None:
        """No worker takes a job of this queue until `resume`; what runs goes on."""
        await self.store.pause(queue)

    async def resume(self, queue: str) -> None:
        await self.store.resume(queue)

    async def limit(self, queue: str, running: int | None) -> None:
        """At most so many jobs of this queue run at once, of all workers together; None takes the limit away.

        Raises ValueError for a number below 1.
        """
        if running is not None and running < 1:
            raise ValueError(f"a limit is at least 1, not {running}: pause the queue to let none of its jobs run")
        await self.store.limit(queue, running)

    async def schedule(self, name: str, rule: Rule | str, call: Call[Any], **more: Any) -> Schedule:
        """Put or replace the schedule `name`. `rule` is a cron expression, "every 10s" or a Rule.

        Further: `zone` of a cron expression, `missed` ("skip", "once" or "all") firings. Raises BadSchedule.
        """
        schedule = Schedule.of(name, rule, call.job, **more)
        await declare(self.store, schedule, self.clock.now())
        return schedule

    async def schedules(self) -> list[ScheduleInfo]:
        return await self.store.schedules()

    async def change_schedule(self, name: str, *, paused: bool | None = None, missed: str | None = None) -> bool:
        """Pause or resume it, or choose what becomes of missed firings; False where there is none of that name.

        `missed` is "skip", "once" or "all". Raises ConfigError.
        """
        for info in await self.schedules():
            if info.schedule.name == name:
                changed = info.schedule.changed(paused=paused, missed=missed)
                resumed = info.schedule.paused and not changed.paused
                next_at = next_after(changed.rule, self.clock.now()) if resumed else info.next_at
                await self.store.put_schedule(changed, next_at)
                return True
        return False

    async def remove_schedule(self, name: str) -> bool:
        return await self.store.remove_schedule(name)

    async def run_schedule(self, name: str) -> str | None:
        """Enqueue its job now, beside its usual times; the job's id, or None where there is none of that name."""
        for info in await self.schedules():
            if info.schedule.name == name:
                job = info.schedule.job_at(self.clock.now())
                return (await self.store.enqueue([job]))[0].id
        return None

    async def prune(self) -> int:
        """Forget finished jobs whose lifetime is over, and large results that nobody needs; how many jobs went."""
        from .results.sweep import sweep

        gone = await self.store.prune()
        if self._place is not None:
            await sweep(self.store, self._place, self._results)
        return gone

    @property
    def _finder(self) -> Finder:
        from .results.opening import Finder

        self._learn()
        return Finder(self.store, self._place, self.codec, why_none)

    async def _result(self, job_id: str) -> Any:
        """The whole value. Raises ResultError where it is gone, UndecodableError."""
        data = await self.store.result(job_id)
        reference = Reference.read(data)
        if reference is not None:
            return await self._finder.load(job_id, reference)
        return None if data is None else self._decode(data)

    async def _sized(self, job: JobRecord) -> JobRecord:
        """With the size of its result instead of that of a reference to it."""
        if job.result_size != REFERENCE:
            return job
        reference = Reference.read(await self.store.result(job.id))
        return job if reference is None else replace(job, result_size=reference.size)


class Client:
    """The same verbs for synchronous callers."""

    def __init__(self, aio: AsyncClient, max_payload: int) -> None:
        self.aio = aio
        self._making = allocate_lock()
        self.codec = aio.codec
        self.max_payload = max_payload

    @cached_property
    def clock(self) -> Clock:
        return self.aio.clock

    @cached_property
    def _portal(self) -> Portal:
        # Brings asyncio along, which a producer's direct path does without.
        from .portal import Portal

        return _once(self, "_portal", Portal)

    def enqueue(self, call: Call[R]) -> Handle[R]:
        done = self._enqueue((call.job,))[0]
        return Handle(self, done.id, done.existing)

    def enqueue_many(self, calls: Iterable[Call[R]], connection: Any = None) -> list[Handle[R]]:
        """All of them in one transaction, or none; with `connection`, in the caller's own transaction on it."""
        jobs = jobs_of(calls)
        done = self._enqueue_on(connection, jobs) if connection is not None else self._enqueue(jobs)
        return [Handle(self, one.id, one.existing) for one in done]

    send = enqueue

    async def asend(self, call: Call[R]) -> AsyncHandle[R]:
        return await self.aio.enqueue(call)

    def handle(self, job_id: str) -> Handle[Any]:
        return Handle(self, job_id)

    def get(self, job_id: str) -> JobRecord:
        return self.run(self.aio.get(job_id), "get")

    def arguments(self, job_id: str) -> list[Any]:
        return self.run(self.aio.arguments(job_id), "arguments")

    def output(self, job_id: str, after: int = 0, limit: int = 1000) -> list[OutputLine]:
        return self.run(self.aio.output(job_id, after, limit), "output")

    def find(self, query: Query | None = None, limit: int = 50, after: int | str | None = None) -> Page:
        return self.run(self.aio.find(query, limit, after), "find")

    def count(self, query: Query | None = None) -> int:
        return self.run(self.aio.count(query), "count")

    def cancel(self, *job_ids: str, query: Query | None = None) -> int:
        return self.run(self.aio.cancel(*job_ids, query=query), "cancel")

    def retry(self, *job_ids: str, query: Query | None = None) -> int:
        return self.run(self.aio.retry(*job_ids, query=query), "retry")

    def delete(self, *job_ids: str, query: Query | None = None) -> int:
        return self.run(self.aio.delete(*job_ids, query=query), "delete")

    def hold(self, *job_ids: str, query: Query | None = None) -> int:
        return self.run(self.aio.hold(*job_ids, query=query), "hold")

    def release(self, *job_ids: str, query: Query | None = None) -> int:
        return self.run(self.aio.release(*job_ids, query=query), "release")

    def prioritise(self, query: Query, priority: int) -> int:
        """As `AsyncClient.prioritise`."""
        return self.run(self.aio.prioritise(query, priority), "prioritise")

    def queues(self) -> list[QueueInfo]:
        return self.run(self.aio.queues(), "queues")

    def workers(self) -> list[WorkerInfo]:
        return self.run(self.aio.workers(), "workers")

    def pause(self, queue: str) -> None:
        self.run(self.aio.pause(queue), "pause")

    def resume(self, queue: str) -> None:
        self.run(self.aio.resume(queue), "resume")

    def limit(self, queue: str, running: int | None) -> None:
        """As `AsyncClient.limit`."""
        self.run(self.aio.limit(queue, running), "limit")

    def schedule(self, name: str, rule: Rule | str, call: Call[Any], **more: Any) -> Schedule:
        return self.run(self.aio.schedule(name, rule, call, **more), "schedule")

    def schedules(self) -> list[ScheduleInfo]:
        return self.run(self.aio.schedules(), "schedules")

    def change_schedule(self, name: str, *, paused: bool | None = None, missed: str | None = None) -> bool:
        return self.run(self.aio.change_schedule(name, paused=paused, missed=missed), "change_schedule")

    def remove_schedule(self, name: str) -> bool:
        return self.run(self.aio.remove_schedule(name), "remove_schedule")

    def run_schedule(self, name: str) -> str | None:
        return self.run(self.aio.run_schedule(name), "run_schedule")

    def prune(self) -> int:
        return self.run(self.aio.prune(), "prune")

    def close(self) -> None:
        """Release the store's files and threads. The next verb opens them again."""
        if "store" in vars(self.aio):
            self.run(self.aio.store.close(), "close")
        if "_portal" in vars(self):
            self._portal.close()

    def run(self, verb: Coroutine[Any, Any, T], name: str) -> T:
        return self._portal.call(verb, f"the same verb of app.aio ({name})")

    def _enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        direct = getattr(self.aio.store, "enqueue_now", None)
        if direct is None:
            return self.run(self.aio.store.enqueue(jobs), "enqueue_many")
        done: list[Enqueued] = direct(jobs)
        return done

    def _enqueue_on(self, connection: Any, jobs: Sequence[Job]) -> list[Enqueued]:
        store = self.aio.store
        if not hasattr(store, "enqueue_on"):
            raise Unsupported(_cannot_take_part(store))
        done: list[Enqueued] = store.enqueue_on(connection, jobs)
        return done


def _once(client: AsyncClient | Client, name: str, make: Callable[[], T]) -> T:
    """From Python 3.12 on a cached_property is made by every thread that asks before the first one has it."""
    known = vars(client)
    with client._making:
        if name not in known:
            known[name] = make()
        made: T = known[name]
    return made


def _cannot_take_part(store: Store) -> str:
    kind = store.url.partition("://")[0]
    return f"a store at {kind}:// cannot take part in the transaction of this connection; enqueue after the commit"


def _which(job_ids: tuple[Any, ...], query: Query | None) -> Query:
    """Ids or a query, and never everything by mistake."""
    for wrong in (one for one in job_ids if not isinstance(one, str)):
        raise TypeError(f"a job is named by its id, a text, not by {wrong!r:.80}: give job.id, and several as *ids")
    if query is not None and not job_ids:
        return query
    if query is None and job_ids:
        return Query(ids=job_ids)
    raise TypeError("name the jobs by their ids or by query=Query(...), one of the two")
