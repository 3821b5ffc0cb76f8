"""Laravel's payloads in our words, and our jobs in Laravel's: the dialect itself. It speaks to no server."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from queuemgr.dialect import Ability, Contents, Reading, check
from queuemgr.errors import UndecodableError
from queuemgr.job import new_id, order_of
from queuemgr.options import Backoff

from . import command, values
from .marker import NONE, Marker
from .payload import COMMAND, MOST, Payload, parse
from .php import serialize, unserialize

if TYPE_CHECKING:
    from queuemgr.job import Job

    from .encryption import Encrypter
    from .php import PhpObject

NEWEST = 13
FOREVER = 1 << 30
CRASH_BUDGET = 3
MOST_STEPS = 20

_WISHES = ("retryUntil", "maxTries", "maxExceptions", "timeout", "backoff", "failOnTimeout")
_NOTHING = frozenset((None, b"null", b"false"))

ABILITIES = frozenset(
    {
        Ability.DELAYS,
        Ability.UNIQUE,
        Ability.AT_MOST_ONCE,
        Ability.CANCELLING,
        Ability.RETRYING,
        Ability.DELETING,
        Ability.KEYS,
    }
)

TABLE_ABILITIES = ABILITIES - {Ability.UNIQUE}

ELSEWHERE = "keep them in a store of ours, such as sqlite:///jobs.db"
WAYS_OUT = {
    Ability.PRIORITIES: "Laravel's queues have no priorities; use a queue for each, and ask the urgent one first",
    Ability.UNIQUE: "Laravel keeps the locks of unique jobs in its cache and not in its tables; dispatch them in PHP",
    Ability.REPLACING: "Laravel's lock does not tell which job holds it; choose on_conflict='reject' or 'existing'",
    Ability.HOLDING: "Laravel's queues hold no jobs back; cancel the job, and retry it when it may run",
    Ability.LIMITS: "Laravel knows no limit for a queue; start fewer workers for it, or give them less concurrency",
    Ability.PAUSING: "Laravel's queues cannot be paused for all of its workers; stop the workers of that queue",
    Ability.RESULTS: f"Laravel keeps no results; write them down in the task, or for jobs with results {ELSEWHERE}",
    Ability.ENDS: f"Laravel forgets a job when it has run, so its end cannot be told; where that matters, {ELSEWHERE}",
    Ability.OUTPUT: f"Laravel keeps no output of jobs; read the worker's own log, or {ELSEWHERE}",
    Ability.SCHEDULES: f"Laravel keeps its schedules in PHP code; put them there, or {ELSEWHERE}",
    Ability.COPYING: "jobs of Laravel's are not copied; let its queues run empty, and send new jobs to the other store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Laravel:
    """Parameters: `version` whose fields are written, 8 to 13; `encrypter` for what is encrypted, and `encrypt` whether
    our own jobs are; `connection` is the name by which Laravel knows this Redis connection in its queue configuration;
    `horizon` writes the fields that Horizon shows with every job, and not only with those that bear tags. With `table`
    records are those of the database driver, whose attempts stand in a column beside them.
    """

    name: str = "laravel"
    abilities: frozenset[Ability] = ABILITIES
    version: int = 8
    encrypter: Encrypter | None = None
    encrypt: bool = False
    connection: str = "redis"
    horizon: bool = False
    table: bool = False

    def write(self, job: Job, now: float) -> bytes:
        check(job, self.abilities, WAYS_OUT)
        marker = Marker(
            once=job.at_most_once,
            options=msgspec.json.encode(job.options).decode() if job.options else None,
            # With a window the lock outlives the job, until its own time is over.
            lock=job.unique.key if job.unique and job.unique.window is None else None,
            budget=job.crash_budget if job.crash_budget != CRASH_BUDGET else None,
        )
        if "@" in job.task:
            parts, named = _string_job(job)
            marker = replace(marker, named=named)
        else:
            made = values.command_of(job.task, job.args)
            parts = self._command(made, _settings(job), self.encrypt)
            # What PHP would hand back: its arrays make numbers of some keys, and know no empty dict.
            if made.properties and values.arguments_of(unserialize(serialize(made))) != job.args:
                marker = replace(marker, args=self._sealed(job.args))
        return self._payload(job.id, parts, now, job.tags, _delay(job, now), marker)

    def _sealed(self, args: bytes) -> str:
        return self.encrypter.encrypt(args) if self.encrypt and self.encrypter else args.decode()

    def follower(self, opened: command.Command, now: float) -> tuple[str, bytes, int] | None:
        """Id, payload and delay in seconds of what comes next in its chain. Raises UndecodableError."""
        follower = command.next_in_chain(opened.object)
        if follower is None:
            return None
        encrypt = opened.encrypted or bool(follower.object.get("shouldBeEncrypted"))
        parts = self._command(follower.object, command.settings_of(follower.object), encrypt)
        raw = self._payload(new_id(), parts, now, (), follower.delay or None, Marker())
        return follower.queue or "", raw, follower.delay

    def _command(self, made: PhpObject, settings: dict[str, Any], encrypt: bool) -> dict[str, Any]:
        data = {"commandName": made.name, "command": command.seal(made, self.encrypter if encrypt else None)}
        if self.version >= 12:
            data["batchId"] = None  # type: ignore[assignment]
        return {"displayName": made.name, "job": COMMAND, **settings, "data": data}

    def _payload(
        self, job_id: str, parts: dict[str, Any], now: float, tags: tuple[str, ...], delay: int | None, marker: Marker
    ) -> bytes:
        fields = {"uuid": job_id, **parts}
        if self.version >= 12:
            fields["createdAt"] = int(now)
        if self.version >= 13:
            fields["deleteWhenMissingModels"] = False
        if tags or self.horizon:
            fields |= {"type": "job", "tags": tags, "silenced": False, "pushedAt": f"{now:.4f}"}
        if not self.table:
            fields |= {"id": job_id, "attempts": 0}
        if self.version >= 12:
            fields["delay"] = delay
        if marker != Marker():
            fields["queuemgr"] = marker
        return msgspec.json.encode(fields)

    def read(self, record: bytes, now: float) -> Reading:
        return self.reading(self.parse(record), now)

    def reading(self, payload: Payload, now: float) -> Reading:
        """The same of a payload that was parsed already."""
        marker = payload.marker
        tags = payload.value("tags")
        options, over = self.wishes(payload, now)
        return Reading(
            id=payload.id,
            names=payload.names,
            failures=payload.attempts,
            crashes=marker.crashes,
            options=options,
            at_most_once=marker.once,
            created_at=_created_at(payload),
            tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
            unique_key=marker.lock,
            over=over,
        )

    def wishes(self, payload: Payload, now: float) -> tuple[dict[str, Any] | None, str | None]:
        """What the job asks for itself, and why it may not run again."""
        if payload.marker is NONE and _NOTHING.issuperset(map(payload.fields.get, _WISHES)):
            return None, None
        return _options(payload) or None, _over(payload, now)

    def open(self, record: bytes) -> Contents:
        return self.contents(self.parse(record))

    def contents(self, payload: Payload) -> Contents:
        """The same of a payload that was parsed already."""
        if not payload.is_command:
            data = payload.fields["data"]
            named = payload.marker.named and data.startswith(b"{")
            return Contents(values.named_of_data(data) if named else values.arguments_of_data(data))
        opened = command.open_command(payload, self.encrypter)
        if isinstance(opened, str):
            return Contents(b"[[]]", opened)
        if opened.object.name.lstrip("\\") != payload.data.commandName.lstrip("\\"):
            raise UndecodableError(f"the payload names {payload.data.commandName} and holds a {opened.object.name}")
        why = command.obstacle(payload, opened, self.connection)
        if (exact := payload.marker.args) is not None:
            return Contents(self._unsealed(exact, opened.encrypted), why)
        return Contents(values.arguments_of(opened.object), why)

    def _unsealed(self, exact: str, encrypted: bool) -> bytes:
        return self.encrypter.decrypt(exact) if encrypted and self.encrypter else exact.encode()

    def restate(self, record: bytes, failures: int) -> bytes:
        return self.parse(record).changed(attempts=failures)

    def parse(self, record: bytes) -> Payload:
        """Raises UndecodableError."""
        return parse(record, 0 if self.table else None)


def _settings(job: Job) -> dict[str, Any]:
    """What Laravel's own workers must know of the job."""
    options = job.options or {}
    return {
        "maxTries": 1 if job.at_most_once else options.get("attempts"),
        "maxExceptions": None,
        "failOnTimeout": False,
        "backoff": _steps(options),
        "timeout": ceil(options["timeout"]) if options.get("timeout") else None,
        "retryUntil": None,
    }


def _string_job(job: Job) -> tuple[dict[str, Any], bool]:
    """Its part of the payload, and whether its data are named arguments."""
    data, named = values.data_of(job.task, job.args)
    settings = _settings(job)
    del settings["retryUntil"]
    head = {"displayName": job.task.partition("@")[0], "job": job.task}
    return {**head, **settings, "data": msgspec.Raw(data)}, named


def _options(payload: Payload) -> dict[str, Any]:
    """What the job asks for itself, for this run: Laravel's list of delays is known by its step of today."""
    options = payload.own_options()
    tries, timeout = payload.whole("maxTries"), payload.whole("timeout")
    if payload.whole("retryUntil") is not None:
        options["attempts"] = FOREVER
    elif tries is not None:
        options["attempts"] = tries or FOREVER
    most = payload.whole("maxExceptions")
    if most is not None and payload.marker.exceptions + 1 >= most:
        options["attempts"] = 1
    if timeout is not None:
        options.setdefault("timeout", timeout or None)
    if "backoff" not in options and (delay := _step(payload)) is not None:
        options["backoff"] = {"kind": "fixed", "base": delay, "cap": delay, "jitter": 0.0}
    if payload.value("failOnTimeout") is True:
        options["never_retry_on"] = [*options.get("never_retry_on", ()), "queuemgr.errors.TimedOut"]
    if payload.marker.budget is not None:
        options.setdefault("crash_budget", payload.marker.budget)
    return options


def _over(payload: Payload, now: float) -> str | None:
    until, tries = payload.whole("retryUntil"), payload.whole("maxTries")
    crashes, budget = payload.marker.crashes, payload.marker.budget or CRASH_BUDGET
    if until is not None:
        if now > until:
            return f"the time in which it may be tried is over (retryUntil {until})"
    elif tries and payload.attempts >= tries:
        return f"it has been attempted {payload.attempts} times, and its maxTries is {tries}"
    return f"quarantined: it brought its worker down {crashes} times" if crashes >= budget else None


def _step(payload: Payload) -> float | None:
    value = payload.value("backoff")
    if value is None or isinstance(value, (dict, list, bool)):
        return None
    steps = str(value).split(",")
    try:
        step = float(steps[min(payload.attempts, len(steps) - 1)])
    except ValueError:
        return None
    return max(0.0, step) if step < MOST else None


def _steps(options: dict[str, Any]) -> str | None:
    """Our backoff as the list of seconds that Laravel's own workers read."""
    if "backoff" not in options:
        return None
    backoff = Backoff(**options["backoff"])
    number = min(max(options.get("attempts", 3) - 1, 1), MOST_STEPS)
    return ",".join(str(ceil(backoff(failures))) for failures in range(1, number + 1))


def _delay(job: Job, now: float) -> int | None:
    if job.delay is not None:
        return ceil(job.delay)
    return None if job.run_at is None or job.run_at <= now else ceil(job.run_at - now)


def _created_at(payload: Payload) -> float | None:
    for name in ("pushedAt", "createdAt"):
        try:
            moment = float(payload.value(name))
        except (TypeError, ValueError, OverflowError):
            continue
        if 0 <= moment < MOST:
            return moment
    order = order_of(payload.id)
    return None if order is None else (order >> 21) / 1000
