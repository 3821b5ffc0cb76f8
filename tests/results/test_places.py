"""Large results in the store itself, on real servers: written in pieces, read meanwhile, and gone with the last job."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from queuemgr import App, Query
from queuemgr.errors import ResultError
from queuemgr.result import Owner, Results
from queuemgr.results.sweep import sweep
from tests.worker.rig import drain, run

ONE, OTHER = Owner("a job/with: odd % signs", 1), Owner("other", 2)
PIECES = [os.urandom(n) for n in (300_000, 1, 1_200_000, 5, 900_000)]
WHOLE = b"".join(PIECES)
DIGEST = hashlib.sha256(WHOLE).hexdigest()


def rows(number: int) -> list[dict[str, Any]]:
    return [{"id": index, "text": os.urandom(8).hex()} for index in range(number)]


@pytest.fixture(params=["redis", "postgres"])
def app(request: pytest.FixtureRequest) -> Iterator[App]:
    made = App(request.getfixturevalue(f"{request.param}_url"))
    asyncio.run(opened(made))
    yield made
    made.close()


async def opened(app: App) -> None:
    await app.aio.store.open()
    await app.aio.store.close()


@pytest.fixture
def place(app: App) -> Any:
    return app.aio.store.results  # type: ignore[attr-defined]


def keep(place: Any, owner: Owner) -> None:
    draft = place.draft(owner)
    for piece in PIECES:
        draft.write(piece)
    draft.keep(DIGEST)


def test_a_draft_can_be_read_while_it_grows_and_after_it_was_kept(place: Any) -> None:
    assert place.growing(ONE) is None
    draft = place.draft(ONE)
    draft.write(PIECES[0])
    source = place.growing(ONE)
    assert source.size() == len(PIECES[0])
    assert source.read(299_000, 5000) == PIECES[0][299_000:]
    for piece in PIECES[1:]:
        draft.write(piece)
    assert source.size() == len(WHOLE)
    draft.keep(DIGEST)
    assert (source.size(), source.read(0, len(WHOLE))) == (len(WHOLE), WHOLE)
    assert place.growing(ONE) is None


def test_kept_bytes_are_read_from_anywhere(place: Any) -> None:
    keep(place, ONE)
    source = place.open(DIGEST)
    assert source.size() == len(WHOLE)
    for start, length in ((0, 10), (299_999, 3), (1_048_570, 20), (1_500_000, 700_000), (len(WHOLE) - 3, 10)):
        assert source.read(start, length) == WHOLE[start : start + length]
    assert source.read(len(WHOLE), 10) == b""
    with pytest.raises(KeyError):
        place.open("0" * 64)


def test_the_same_bytes_are_kept_once_and_go_with_their_last_holder(place: Any) -> None:
    keep(place, ONE)
    keep(place, OTHER)
    holdings = list(place.holdings())
    assert {(one.owner, one.digest, one.stored) for one in holdings} == {
        (ONE, DIGEST, len(WHOLE)),
        (OTHER, DIGEST, len(WHOLE)),
    }
    assert place.release(holdings[:1]) == 0
    assert place.open(DIGEST).read(0, 5) == WHOLE[:5]
    assert place.release(holdings[1:]) == len(WHOLE)
    assert list(place.holdings()) == []
    with pytest.raises(KeyError):
        place.open(DIGEST)


def test_a_draft_that_was_given_up_leaves_nothing(place: Any) -> None:
    draft = place.draft(ONE)
    draft.write(WHOLE)
    draft.discard()
    draft.discard()
    assert place.growing(ONE) is None
    assert list(place.holdings()) == []
    assert remains(place) == 0


def test_a_run_that_begins_again_replaces_its_draft(place: Any) -> None:
    place.draft(ONE).write(WHOLE)
    draft = place.draft(ONE)
    draft.write(b"second")
    assert place.growing(ONE).read(0, 100) == b"second"
    draft.keep(hashlib.sha256(b"second").hexdigest())
    (holding,) = place.holdings()
    place.release([holding])
    assert remains(place) == 0


def test_a_draft_whose_writer_died_goes_with_the_next_clean_up(app: App, place: Any) -> None:
    place.draft(ONE).write(WHOLE)

    async def clean() -> int:
        store = app.aio.store
        await store.open()
        try:
            return await sweep(store, place, Results())
        finally:
            await store.close()

    assert asyncio.run(clean()) == len(WHOLE)
    assert remains(place) == 0


def test_a_job_keeps_its_large_result_in_its_store(app: App) -> None:
    task = app.task(name="rows", executor="thread")(rows)
    job = task.enqueue(30_000)
    run(lambda: drain(app))
    info = job.result_info()
    assert (info.length, info.kind) == (30_000, "list")
    assert [row["id"] for row in job.page(29_990, 100)] == list(range(29_990, 30_000))
    assert len(job.result(10)) == 30_000
    app.client.delete(job.id)
    app.client.prune()
    place = app.aio.store.results  # type: ignore[attr-defined]
    assert list(place.holdings()) == []
    assert remains(place) == 0


@pytest.mark.parametrize("settings", [Results(keep=0.0), Results(quota=1)], ids=["too old", "too much"])
def test_age_and_quota_hold_in_the_store_as_well(settings: Results, app: App, place: Any) -> None:
    task = app.task(name="rows", executor="thread")(rows)
    job = task.enqueue(30_000)
    run(lambda: drain(app))

    async def clean() -> int:
        store = app.aio.store
        await store.open()
        try:
            return await sweep(store, place, settings)
        finally:
            await store.close()

    assert asyncio.run(clean()) > 100_000
    with pytest.raises(ResultError, match="not in"):
        job.result(1)
    assert app.client.count(Query(ids=(job.id,))) == 1


def remains(place: Any) -> int:
    """Chunks that are still on the server."""
    if hasattr(place, "ask"):
        with suppress(Exception):
            return int(place.ask("SELECT count(*) FROM {chunk}")[0][0])
        return 0
    found = place.call(b"KEYS", place.key("*").replace(b"{", b"\\{").replace(b"}", b"\\}"))
    return len([key for key in found if key not in (place.drafts, place.kept, place.doomed)])
