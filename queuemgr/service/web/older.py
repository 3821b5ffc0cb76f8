"""The routes of earlier versions, with the names and forms that programs know. What they do is done by operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.errors import QueuemgrError, ServiceNotRunning

from .arguments import object_in
from .problems import status_of
from .request import Response, as_json

if TYPE_CHECKING:
    from queuemgr.service.desk import Desk, Visitor
    from queuemgr.service.facts import Facts

    from .request import Request

MOST = 10_000
"""Jobs in one answer: these routes know no pages."""

_PAGE = 1000
_DONE = {"start": "started", "stop": "stopped", "delete": "deleted"}


class Older:
    """Answers in the forms of before; errors are {"status": "error", "message", "error"}."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, name: str, request: Request, parameters: dict[str, str], visitor: Visitor) -> Response:
        verb = name.partition(".")[2]
        try:
            match verb:
                case "status":
                    return await self._status(visitor)
                case "list":
                    return await self._list(request, visitor)
                case "add":
                    return await self._add(request, visitor)
                case "show":
                    return as_json(await self._ask("job.status", visitor, job_id=parameters["job_id"]))
                case "start_service":
                    await self._ask("service.status", visitor)
                    return _success("Service is running")
                case "stop_service":
                    await self._ask("service.shutdown", visitor)
                    return _success("Service is stopping")
            return await self._change(verb, parameters["job_id"], request, visitor)
        except QueuemgrError as error:
            return _failure(str(error), status_of(error), tuple(getattr(error, "headers", ())))

    async def _status(self, visitor: Visitor) -> Response:
        try:
            told = await self._ask("service.status", visitor)
        except ServiceNotRunning:
            return as_json({"status": "stopped"})
        except QueuemgrError as error:
            return as_json({"status": "error", "message": str(error)}, status_of(error))
        names = ("status", "total_jobs", "running_jobs", "uptime")
        return as_json({name: told[name] for name in names if name in told})

    async def _list(self, request: Request, visitor: Visitor) -> Response:
        """A bare list; {"jobs": [...]} for those that name a status, also an empty one."""
        wanted = request.parameter("status")
        jobs: list[Facts] = []
        after: str | None = None
        while len(jobs) < MOST:
            given = {"status_filter": wanted or None, "limit": _PAGE, "after": after}
            page = await self._ask("job.list", visitor, **given)
            jobs += page["jobs"]
            after = page["after"]
            if after is None:
                break
        return as_json(jobs if wanted is None else {"jobs": jobs})

    async def _add(self, request: Request, visitor: Visitor) -> Response:
        body = object_in(request)
        job_class, job_id = body.get("job_class") or body.get("job_class_name"), body.get("job_id")
        if not job_class or not job_id:
            return as_json({"error": "job_class and job_id are required"}, 400)
        await self._ask("job.add", visitor, job_class=job_class, job_id=job_id, params=body.get("params") or {})
        return _success(f"Job {job_id} added")

    async def _change(self, verb: str, job_id: str, request: Request, visitor: Visitor) -> Response:
        force = {"force": True} if verb == "delete" and object_in(request).get("force") is True else {}
        await self._ask(f"job.{verb}", visitor, job_id=job_id, **force)
        return _success(f"Job {job_id} {_DONE[verb]}")

    async def _ask(self, name: str, visitor: Visitor, **arguments: Any) -> Facts:
        return await self._desk.ask(name, arguments, visitor)


def _success(message: str) -> Response:
    return as_json({"status": "success", "message": message})


def _failure(message: str, status: int, headers: tuple[tuple[str, str], ...]) -> Response:
    return as_json({"status": "error", "message": message, "error": message}, status, headers=headers)
