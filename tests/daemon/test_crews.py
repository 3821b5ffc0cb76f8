"""The workers that the service keeps for other apps: started again when they die, not when they were stopped."""

from __future__ import annotations

import asyncio

import pytest

from queuemgr.service.daemon import crews


def test_workers_that_were_stopped_stay_so_until_the_service_starts_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    codes = iter([1, -9, 0])

    async def life(*_: object) -> int:
        return next(codes)

    monkeypatch.setattr(crews, "_life", life)
    monkeypatch.setattr(crews, "FIRST_PAUSE", 0.0)
    asyncio.run(asyncio.wait_for(crews._keep("shop:app", 2, 5.0), 20))
    assert "ended with code 1; they are started again" in caplog.text
    assert "ended with code -9; they are started again" in caplog.text
    assert "the workers of shop:app were stopped; a restart of the service brings them back" in caplog.text
    assert next(codes, None) is None
