"""How uvicorn is set up for every face: it waits for nobody who sends a request byte by byte. It serves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

LAST_REQUESTS = 5
"""Seconds that requests have to end when the server stops."""

HEADERS = 10.0
"""Seconds within which a connection has to have sent the head of a request; up to twice as long may pass."""

LONGEST_HEAD = 64 * 1024


def settings_for(application: Any, *, debug: bool = False) -> Config:
    return Config(
        application,
        # It bounds the head of a request, and refuses one with two hosts.
        http=Impatient,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        log_level="info" if debug else "warning",
        access_log=debug,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=LAST_REQUESTS,
    )


class Impatient(H11Protocol):
    """Hangs up where no request has begun or ended between two looks."""

    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        self._look = self.loop.call_later(HEADERS, self._require_progress, self.cycle)

    def _require_progress(self, before: object) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        waits = cycle is None or cycle.response_complete
        if waits and self.cycle is before:
            self.transport.close()
        else:
            self._watch()
