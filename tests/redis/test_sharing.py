"""One store object among threads, event loops and forked processes."""

from __future__ import annotations

import asyncio
import os
import threading

from queuemgr.store import Query
from queuemgr.stores.redis.store import RedisStore
from tests.redis.rig import claim, make_job, opened


def test_producers_in_threads_share_a_store(redis_url: str) -> None:
    store = RedisStore(redis_url)

    def produce() -> None:
        for _ in range(20):
            store.enqueue_now([make_job()])

    threads = [threading.Thread(target=produce) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def main() -> None:
        assert await store.count(Query()) == 160
        await store.close()

    asyncio.run(main())


def test_a_store_is_used_by_one_loop_after_another(redis_url: str) -> None:
    store = RedisStore(redis_url)

    async def main() -> int:
        await store.enqueue([make_job()])
        await store.wait(["default"], 1)
        return await store.count(Query())

    assert [asyncio.run(main()) for _ in range(3)] == [1, 2, 3]
    asyncio.run(store.close())


def test_a_forked_child_uses_the_store_and_disturbs_no_one(redis_url: str) -> None:
    store = RedisStore(redis_url)
    store.enqueue_now([make_job()])

    async def main() -> None:
        await store.enqueue([make_job()])
        if (child := os.fork()) == 0:
            try:
                store.enqueue_now([make_job()])
                threading.Thread(target=lambda: asyncio.run(_in_child(store))).run()
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        store.enqueue_now([make_job()])
        await store.enqueue([make_job()])
        assert await store.count(Query()) == 6
        await store.close()

    asyncio.run(main())


async def _in_child(store: RedisStore) -> None:
    await store.enqueue([make_job()])


def test_a_closed_store_opens_again(redis_url: str) -> None:
    async def main() -> None:
        async with opened(redis_url) as store:
            await store.enqueue([make_job()])
            await store.wait(["default"], 1)
            await store.close()
            assert len(await claim(store)) == 1

    asyncio.run(main())
