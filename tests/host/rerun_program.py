"""Runs a job again, and dies by SIGKILL at a call of its store: `rerun_program.py STORE JOB VERB before|after`."""

from __future__ import annotations

import asyncio
import sys

from queuemgr.service.connecting import connected
from queuemgr.service.operations.rerunning import rerun_job
from queuemgr.service.places import Place
from tests.copying.program import mortal


async def rerun(url: str, job_id: str, verb: str, when: str) -> None:
    async with connected(Place(url)) as connection:
        store = connection.client.store
        setattr(store, verb, mortal(getattr(store, verb), 1, when))
        await rerun_job(connection.client, None, job_id)


if __name__ == "__main__":
    _, url, job_id, verb, when = sys.argv
    asyncio.run(rerun(url, job_id, verb, when))
