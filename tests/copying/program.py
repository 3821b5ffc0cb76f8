"""Copies a store in a process that dies by SIGKILL at a chosen moment: `program.py FROM TO VERB NUMBER before|after`.

It dies at the NUMBERth call of VERB at the target, right before or right after it is done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import wraps
from typing import Any

from queuemgr.service.connecting import connected
from queuemgr.service.operations import comparing, copying
from queuemgr.service.places import Place


def mortal(verb: Any, number: int, when: str) -> Any:
    calls = 0

    @wraps(verb)
    async def called(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and when == "before":
            die()
        answer = await verb(*given)
        if calls == number:
            die()
        return answer

    return called


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def copy(source: str, target: str, verb: str, number: int, when: str) -> None:
    copying.PAGE = comparing.PAGE = 20
    async with connected(Place(source)) as here, connected(Place(target), create=True) as there:
        store = there.client.store
        setattr(store, verb, mortal(getattr(store, verb), number, when))
        await copying.copy_store(here.client, there.client, lambda doing, done, total: None)


if __name__ == "__main__":
    _, source, target, verb, number, when = sys.argv
    asyncio.run(copy(source, target, verb, int(number), when))
