"""The last lines of one job's output; each look asks only for what is new. It draws nothing."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from queuemgr.errors import JobNotFound, Unsupported
from queuemgr.service.lines import ended_by
from queuemgr.service.operations.jobs import output_of

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.service.lines import Line

MOST = 200


class Tail:
    def __init__(self) -> None:
        self._job_id: str | None = None
        self._after = 0
        self._ended: deque[str] = deque(maxlen=MOST)
        self._begun: dict[tuple[int, str], Line] = {}

    async def look(self, client: AsyncClient, job_id: str | None) -> list[str]:
        """What there is now, the newest last; nothing for no job. Raises StoreError."""
        if job_id != self._job_id:
            self._job_id, self._after = job_id, 0
            self._ended.clear()
            self._begun.clear()
        if job_id is None:
            return []
        try:
            async for piece in output_of(client, job_id, self._after):
                self._after = piece.position
                self._ended += (line.text for line in ended_by(piece, self._begun))
        except Unsupported:
            return ["this store keeps no output"]
        except JobNotFound:
            pass  # it was deleted: what was read before is all there is
        return [*self._ended, *(line.text for line in self._begun.values())]
