"""Large results stand beside a store, and come along when it is copied."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from queuemgr.errors import StoreUnavailable
from queuemgr.job import Job, new_id
from queuemgr.outcome import SUCCEEDED
from queuemgr.result import Owner, Reference, ResultPlace, Results
from queuemgr.results.files import DATA, FileDraft, FilePlace
from queuemgr.results.opening import place_of
from queuemgr.results.sweep import sweep
from queuemgr.service.operations import carrying
from queuemgr.store import Claim, Query, Settlement, Snapshot, Store
from tests.copying.conftest import Pair, copied
from tests.copying.test_killed import kill_at

Bytes = dict[str, bytes]


def place(store: Store) -> ResultPlace:
    found = place_of(store, Results())
    assert found is not None
    return found


async def make_results(store: Store, number: int, size: int = 1_300_000, data: bytes | None = None) -> Bytes:
    """Jobs with large results, random ones unless told; the bytes of each by their job."""
    await store.enqueue([Job(id=new_id(), task="add", args=b"", created_at=time.time()) for _ in range(number)])
    wish = Claim(worker="w", queues=[("default", number)], limit=number, tasks=frozenset({"add"}))
    made: Bytes = {}
    for lease in (await store.claim(wish)).leases:
        made[lease.id] = whole = data or os.urandom(size)
        digest = sha256(whole).hexdigest()
        draft = place(store).draft(Owner(lease.id, lease.attempt))
        draft.write(whole)
        draft.keep(digest)
        result = Reference(digest, "bytes", len(whole), len(whole)).encode()
        await store.settle([Settlement(lease, "w", SUCCEEDED, time.time(), result=result)])
    await store.leave("w")
    return made


async def results_in(store: Store) -> Bytes:
    """Those that its jobs refer to and that can be read."""
    found: Bytes = {}
    for job in (await store.find(Query(), 100)).jobs:
        reference = Reference.read(await store.result(job.id))
        if reference is not None:
            source = place(store).open(reference.digest)
            found[job.id] = source.read(0, 1 << 30)
            source.close()
    return found


def test_large_results_come_along(pair: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        made = await make_results(source, 3)
        told = await copied(source, target)
        assert told["results"] == {"from": 3, "to": 3, "absent": 0}
        assert told["equal"]
        assert await results_in(target) == made
        assert await results_in(source) == made

    pair.run(check)


def test_a_large_result_that_is_there_already_is_not_carried_again(
    files: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[Owner] = []
    carry = carrying._carry

    def counting(here: ResultPlace, there: ResultPlace, owner: Owner, digest: str) -> None:
        carried.append(owner)
        carry(here, there, owner, digest)

    monkeypatch.setattr(carrying, "_carry", counting)

    async def check(source: Store, target: Store) -> None:
        first = await make_results(source, 2, 70_000)
        await copied(source, target)
        second = await make_results(source, 1, 70_000)
        assert (await copied(source, target))["results"] == {"from": 3, "to": 3, "absent": 0}
        assert sorted(owner.job for owner in carried) == sorted((*first, *second))

    files.run(check)


def test_two_jobs_with_the_same_bytes_both_hold_them_in_the_copy(pair: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        made = await make_results(source, 2, data=os.urandom(70_000))
        assert (await copied(source, target))["results"] == {"from": 2, "to": 2, "absent": 0}
        owners = {holding.owner and holding.owner.job for holding in place(target).holdings()}
        assert owners == made.keys()

    pair.run(check)


@pytest.mark.crash
def test_no_job_is_there_without_its_result_when_a_copy_is_killed(pair: Pair) -> None:
    made: Bytes = {}

    async def begin(source: Store, target: Store) -> None:
        made.update(await make_results(source, 3, 70_000))

    async def check(source: Store, target: Store) -> None:
        assert await results_in(target) == made

    pair.run(begin)
    kill_at(pair, ("restore", 1, "after"))
    pair.run(check)
    assert pair.copy()["results"] == {"from": 3, "to": 3, "absent": 0}


def test_a_copy_that_found_no_room_for_a_result_goes_on_there(files: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = FileDraft.write, 0

    def cramped(draft: FileDraft, data: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StoreUnavailable("the disk is full")
        write(draft, data)

    async def check(source: Store, target: Store) -> None:
        made = await make_results(source, 2, 70_000)
        monkeypatch.setattr(FileDraft, "write", cramped)
        with pytest.raises(StoreUnavailable, match="is full"):
            await copied(source, target)
        assert await target.count(Query()) == 0
        assert (await copied(source, target))["equal"]
        assert await results_in(target) == made

    files.run(check)


def test_a_damaged_result_is_told_and_not_carried(files: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        (made,) = (await make_results(source, 1, 70_000)).values()
        kept = Path(place(source).name) / "kept" / sha256(made).hexdigest() / DATA
        kept.write_bytes(made[:-1])
        told = await copied(source, target)
        assert (told["results"], told["equal"]) == ({"from": 1, "to": 0, "absent": 0}, False)
        assert list(place(target).holdings()) == []

    files.run(check)


def test_a_result_that_goes_while_it_is_copied_is_told(files: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(source: Store, target: Store) -> None:
        await make_results(source, 1, 70_000)
        with monkeypatch.context() as patched:
            patched.setattr(FilePlace, "open", _gone)
            told = await copied(source, target)
        assert (told["results"], told["equal"]) == ({"from": 1, "to": 0, "absent": 0}, False)
        assert (await copied(source, target))["equal"]

    files.run(check)


def _gone(place: FilePlace, digest: str) -> None:
    raise KeyError(digest)


def test_a_result_that_is_not_beside_its_store_is_told(files: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        await make_results(source, 2, 70_000)
        gone: Any = list(place(source).holdings())[:1]
        place(source).release(gone)
        told = await copied(source, target)
        assert (told["results"], told["equal"]) == ({"from": 1, "to": 1, "absent": 1}, True)

    files.run(check)


def test_two_copies_at_the_same_moment_carry_each_result_whole(pair: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        made = await make_results(source, 4, 200_000)
        for told in await asyncio.gather(*(copied(source, target) for _ in range(3))):
            assert (told["results"], told["equal"]) == ({"from": 4, "to": 4, "absent": 0}, True)
        assert await results_in(target) == made
        held = sorted((holding.owner.job, holding.digest) for holding in place(target).holdings() if holding.owner)
        assert held == sorted((job, sha256(data).hexdigest()) for job, data in made.items())

    pair.run(check)


def test_a_clean_up_of_the_copy_before_its_jobs_are_there_takes_nothing(files: Pair) -> None:
    async def check(source: Store, target: Store) -> None:
        made = await make_results(source, 3, 70_000)
        restore = target.restore

        async def sweep_and_restore(page: Sequence[Snapshot]) -> int:
            await sweep(target, place(target), Results())
            assert list(place(target).holdings()) == []
            return await restore(page)

        target.restore = sweep_and_restore  # type: ignore[method-assign, assignment]
        assert (await copied(source, target))["results"] == {"from": 3, "to": 3, "absent": 0}
        assert await results_in(target) == made

    files.run(check)
