"""Jobs sent one after the other, without an end, while the test does harm. It remembers what was acknowledged."""

from __future__ import annotations

import asyncio
import threading
from typing import Self

from queuemgr.app import open_store
from queuemgr.errors import StoreError
from queuemgr.job import Job, JobRecord, State, new_id
from queuemgr.testing.history import problems_of
from tests.crash.scene import Scene
from tests.servers.process import until

PAUSE = 0.01


class Load:
    """A context manager: at its end the last job is sent, and all that were acknowledged are in `ids`."""

    def __init__(self, url: str, task: str = "async") -> None:
        self.ids: list[str] = []
        self._url = url
        self._task = task
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def until_sent(self, more: int) -> None:
        """So many more were acknowledged."""
        before = len(self.ids)
        until(lambda: len(self.ids) >= before + more)

    async def _send(self) -> None:
        store = open_store(self._url)
        while not self._over.is_set():
            job = Job(id=new_id(), task=self._task, args=b"[[]]", created_at=store.clock.now())
            try:
                await store.enqueue([job])
                self.ids.append(job.id)
            except StoreError:
                pass  # nobody was told that this one is there
            await asyncio.sleep(PAUSE)
        await store.close()


def when_ended(scene: Scene, ids: list[str]) -> list[JobRecord]:
    """The records of these jobs, once all of them have ended well. None may be lost or run twice at once."""
    records: dict[str, JobRecord] = {}

    def all_ended() -> bool:
        records.update((job_id, scene.get(job_id)) for job_id in ids if job_id not in records or waits(job_id))
        return not any(map(waits, ids))

    def waits(job_id: str) -> bool:
        return not records[job_id].state.finished

    try:
        until(all_ended)
    except AssertionError:
        left = [records[job_id] for job_id in ids if waits(job_id)]
        raise AssertionError(f"never ended: {left}\n{scene.logs()}") from None
    # What tells the time to them is far away: where its answers are late, their moments are not exact.
    assert [text for record in records.values() for text in problems_of(record, clock_jumps=True)] == []
    assert {record.state for record in records.values()} == {State.SUCCEEDED}
    assert scene.overlaps() == []
    return list(records.values())
