"""The job that does nothing, as a job class and as a function, for whoever runs it in bench/service_peer.py."""

from __future__ import annotations

try:
    from queuemgr.jobs.base import QueueJobBase
except ImportError:
    QueueJobBase = object  # type: ignore[assignment, misc]


class Nothing(QueueJobBase):
    def execute(self) -> None:
        self.set_result({"answer": 42})

    def on_start(self) -> None: ...

    def on_stop(self) -> None: ...

    def on_end(self) -> None: ...

    def on_error(self, exc: BaseException) -> None: ...


def nothing() -> dict[str, int]:
    return {"answer": 42}
