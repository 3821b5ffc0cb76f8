"""PgQueuer behind the same measures as ours: a part of postgres.py, run by an interpreter that has it installed.

`python bench/postgres_peer.py DSN WHAT [NUMBER]`: one line of JSON, or for `drain` and `latency` "ready" first.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from contextlib import suppress

import asyncpg
from pgqueuer import PgQueuer, Queries
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job

JOBS, BATCH, LOOKS = 20_000, 1000, 300


async def prepare(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    with suppress(asyncpg.PostgresError, RuntimeError):
        await Queries(AsyncpgDriver(connection)).install()
    await connection.execute("TRUNCATE pgqueuer, pgqueuer_log")
    await connection.close()


async def single(dsn: str, number: int) -> float:
    queries = Queries(AsyncpgDriver(await asyncpg.connect(dsn)))
    began = time.perf_counter()
    for job in range(number):
        await queries.enqueue("nothing", b"%d" % job)
    return number / (time.perf_counter() - began)


async def bulk(dsn: str, number: int) -> float:
    queries = Queries(AsyncpgDriver(await asyncpg.connect(dsn)))
    began = time.perf_counter()
    for first in range(0, number, BATCH):
        payloads: list[bytes | None] = [b"%d" % job for job in range(first, first + BATCH)]
        await queries.enqueue(["nothing"] * BATCH, payloads, [0] * BATCH)
    return number / (time.perf_counter() - began)


async def drain(dsn: str, concurrency: int) -> float:
    connection = await asyncpg.connect(dsn)
    total = await connection.fetchval("SELECT count(*) FROM pgqueuer")
    manager, over, done = PgQueuer(AsyncpgDriver(connection)), asyncio.Event(), 0

    @manager.entrypoint("nothing")
    async def nothing(_: Job) -> None:
        nonlocal done
        done += 1
        if done == total:
            over.set()

    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    running = asyncio.create_task(manager.run(batch_size=concurrency // 2, max_concurrent_tasks=concurrency))
    await over.wait()
    taken = time.perf_counter() - began
    running.cancel()
    return float(total / taken)


async def latency(dsn: str) -> list[float]:
    """Milliseconds from before the enqueue to the first line of the job, in an idle worker."""
    await prepare(dsn)
    manager, began = PgQueuer(AsyncpgDriver(await asyncpg.connect(dsn))), dict[int, int]()

    @manager.entrypoint("moment")
    async def moment(job: Job) -> None:
        began.setdefault(int(job.payload or b""), time.monotonic_ns())

    running = asyncio.create_task(manager.run(batch_size=25, max_concurrent_tasks=50))
    await asyncio.sleep(1)
    told = json.loads(await produce_elsewhere(dsn))
    while len(began) < LOOKS:
        await asyncio.sleep(0.05)
    running.cancel()
    return [(began[number] - ask) / 1e6 for number, ask in enumerate(told)]


async def produce_elsewhere(dsn: str) -> bytes:
    arguments = (sys.executable, __file__, dsn, "produce")
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    return (await process.communicate())[0]


async def produce(dsn: str) -> list[int]:
    queries, asked = Queries(AsyncpgDriver(await asyncpg.connect(dsn))), []
    for number in range(LOOKS):
        await asyncio.sleep(random.uniform(0.003, 0.010))
        asked.append(time.monotonic_ns())
        await queries.enqueue("moment", b"%d" % number)
    return asked


async def main(dsn: str, what: str, number: int = 0) -> None:
    match what:
        case "prepare":
            await prepare(dsn)
        case "single":
            print(json.dumps(await single(dsn, number)))
        case "bulk":
            print(json.dumps(await bulk(dsn, number)))
        case "drain":
            print(json.dumps(await drain(dsn, number)), flush=True)
        case "latency":
            print(json.dumps(await latency(dsn)))
        case "produce":
            print(json.dumps(await produce(dsn)))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])))
