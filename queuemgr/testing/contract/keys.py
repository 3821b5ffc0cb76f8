"""What the contract says of keys: small values that are changed atomically and may have a lifetime."""

from __future__ import annotations

import asyncio

import pytest

from queuemgr.errors import StoreError

from .stage import Cases, Stage, staged


class KeyCases(Cases):
    @staged
    async def test_a_key_is_put_once_and_keeps_any_bytes(self, stage: Stage) -> None:
        assert await stage.store.key_get("key") is None
        assert await stage.store.key_put_if_absent("key", b"\0\xff")
        assert not await stage.store.key_put_if_absent("key", b"other")
        assert await stage.store.key_get("key") == b"\0\xff"
        assert await stage.store.key_get("KEY") is None

    @staged
    async def test_a_key_is_gone_when_its_lifetime_is_over(self, stage: Stage) -> None:
        assert await stage.store.key_put_if_absent("lock", b"mine", ttl=60)
        stage.clock.advance(59)
        assert await stage.store.key_get("lock") == b"mine"
        assert not await stage.store.key_put_if_absent("lock", b"yours", ttl=60)
        stage.clock.advance(1)
        assert await stage.store.key_get("lock") is None
        assert await stage.store.key_put_if_absent("lock", b"yours", ttl=60)

    @staged
    async def test_amounts_add_up_to_sums(self, stage: Stage) -> None:
        assert [await stage.store.key_add("count", amount) for amount in (1, 10, -3, 0)] == [1, 11, 8, 8]
        assert await stage.store.key_get("count") == b"8"

    @staged
    async def test_the_lifetime_of_a_sum_counts_from_its_first_amount(self, stage: Stage) -> None:
        assert await stage.store.key_add("count", 5, ttl=60) == 5
        stage.clock.advance(59)
        assert await stage.store.key_add("count", 5, ttl=60) == 10
        stage.clock.advance(1)
        assert await stage.store.key_add("count", 5, ttl=60) == 5

    @staged
    async def test_nothing_is_added_to_what_is_no_number(self, stage: Stage) -> None:
        await stage.store.key_put_if_absent("name", b"text")
        with pytest.raises(StoreError, match="name"):
            await stage.store.key_add("name", 1)
        assert await stage.store.key_get("name") == b"text"

    @staged
    async def test_a_key_is_removed_only_by_who_knows_its_value(self, stage: Stage) -> None:
        await stage.store.key_put_if_absent("lock", b"mine")
        assert not await stage.store.key_remove_if("lock", b"yours")
        assert await stage.store.key_get("lock") == b"mine"
        assert await stage.store.key_remove_if("lock", b"mine")
        assert not await stage.store.key_remove_if("lock", b"mine")
        assert await stage.store.key_get("lock") is None

    @staged
    async def test_a_value_whose_lifetime_is_over_is_not_there_to_be_removed(self, stage: Stage) -> None:
        await stage.store.key_put_if_absent("lock", b"mine", ttl=10)
        stage.clock.advance(10)
        assert not await stage.store.key_remove_if("lock", b"mine")

    @staged
    async def test_no_amount_is_lost_among_many_who_add(self, stage: Stage) -> None:
        stores = [stage.store, await stage.another_store()]
        sums = await asyncio.gather(*(store.key_add("count", 1) for _ in range(50) for store in stores))
        assert sorted(sums) == list(range(1, 101))

    @staged
    async def test_one_of_many_who_put_at_once_wins(self, stage: Stage) -> None:
        stores = [stage.store, await stage.another_store()]
        puts = [store.key_put_if_absent("lock", b"%d" % n) for n in range(20) for store in stores]
        assert sum(await asyncio.gather(*puts)) == 1
