"""Looks at a worker's app before the worker starts, in a process of its own, so that the supervisor stays small.

What is wrong with the app or its store is told here at once, instead of by every worker. It starts no worker.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from queuemgr.errors import ConfigError, QueuemgrError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .showing import Document


def described(path: str, queues: Mapping[str, int]) -> Document:
    """{"app", "store", "queues", "unused_queues", "tasks", "schedules"}. Raises ConfigError, StoreError."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _describe_and_exit(path, queues, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    if not data:
        code = os.waitstatus_to_exitcode(status)
        raise ConfigError(f"the app {path} ended the process that imported it, with code {code}")
    document: Document = json.loads(data)
    if "error" in document:
        raise (StoreError if document["of_store"] else ConfigError)(document["error"])
    return document


def _describe_and_exit(path: str, queues: Mapping[str, int], writer: int) -> None:
    try:
        # The app's own greetings are for the worker's start; here they would come twice.
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        os.write(writer, json.dumps(_describe(path, queues)).encode())
    finally:
        os._exit(0)


def _describe(path: str, queues: Mapping[str, int]) -> dict[str, Any]:
    import asyncio

    from queuemgr.address import shown_url
    from queuemgr.service.connecting import load_app

    try:
        app = load_app(path)
        asyncio.run(app.aio.store.open())
        return {
            "app": path,
            "store": shown_url(app.url),
            "queues": dict(queues or app.queues),
            "unused_queues": sorted(queues.keys() - app.queues.keys()),
            "tasks": sorted(app.tasks.names),
            "schedules": [schedule.name for schedule in app.schedules],
        }
    except QueuemgrError as error:
        return {"error": str(error), "of_store": isinstance(error, StoreError)}
