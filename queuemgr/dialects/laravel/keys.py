"""The names of Laravel's keys in Redis, and of the few that we keep beside them. It speaks to no server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OWN = "queuemgr"
_PARTS = ("delayed", "reserved", "notify")


@dataclass(frozen=True, slots=True)
class QueueKeys:
    """`ready` is a list, `delayed` and `reserved` are sorted by moment, `notify` has a token for each ready job.

    Ours: `dead` (ids by the moment of death), `bodies` and `reasons` by id; `cancel`, the ids of running jobs that
    somebody wants stopped. On a cluster all of them live where the queue lives.
    """

    name: str
    ready: str

    @property
    def notify(self) -> str:
        return f"{self.ready}:notify"

    @property
    def delayed(self) -> str:
        return f"{self.ready}:delayed"

    @property
    def reserved(self) -> str:
        return f"{self.ready}:reserved"

    @property
    def dead(self) -> str:
        return f"{self.ready}:{OWN}:dead"

    @property
    def bodies(self) -> str:
        return f"{self.ready}:{OWN}:bodies"

    @property
    def reasons(self) -> str:
        return f"{self.ready}:{OWN}:reasons"

    @property
    def cancel(self) -> str:
        return f"{self.ready}:{OWN}:cancel"

    def held(self, worker: str) -> str:
        """What this worker has reserved: its exact bytes by id and token."""
        return f"{self.ready}:{OWN}:held:{worker}"


@dataclass(frozen=True, slots=True)
class Keys:
    """`prefix` is that of Laravel's Redis connection; `cache_prefix` that of its cache, which follows it.

    `tagged` puts queues into braces, as clusters need it and Laravel 13 does by itself.
    """

    prefix: str = "laravel_database_"
    cache_prefix: str = "laravel_cache:"
    tagged: bool = False

    def queue(self, name: str) -> QueueKeys:
        word = f"{{{name}}}" if self.tagged and not _has_tag(name) else name
        return QueueKeys(name, f"{self.prefix}queues:{word}")

    @property
    def workers(self) -> str:
        return f"{self.prefix}{OWN}:workers"

    @property
    def beats(self) -> str:
        return f"{self.prefix}{OWN}:beats"

    def queues_of(self, worker: str) -> str:
        return f"{self.prefix}{OWN}:queues:{worker}"

    def sent(self, queue: str, job_id: str) -> str:
        """What was answered to the call that sent this job as its first one."""
        return f"{self.prefix}{OWN}:sent:{f'{{{queue}}}:' if self.tagged else ''}{job_id}"

    def value(self, key: str) -> str:
        return f"{self.prefix}{OWN}:key:{key}"

    def cached(self, key: str) -> str:
        """What Laravel's cache keeps under this key."""
        return f"{self.prefix}{self.cache_prefix}{key}"

    def lock(self, task: str, key: str, version: int) -> str:
        """The lock of a unique job, under the name by which Laravel of this version releases it."""
        return self.cached(f"laravel_unique_job:{task}{':' if version >= 11 else ''}{key}")

    @property
    def pattern(self) -> str:
        """Matches every key of every queue."""
        return "".join(f"[{sign}]" if sign in "*?[]\\" else sign for sign in f"{self.prefix}queues:") + "*"

    def queue_names(self, keys: Iterable[str]) -> list[str]:
        """The queues to which these keys belong."""
        found = set()
        for key in keys:
            name = key.removeprefix(f"{self.prefix}queues:")
            name = name.partition(f":{OWN}:")[0]
            stem, colon, last = name.rpartition(":")
            name = stem if colon and last in _PARTS else name
            if self.tagged and name.startswith("{") and name.endswith("}"):
                name = name[1:-1]
            found.add(name)
        return sorted(found - {""})


def _has_tag(name: str) -> bool:
    before, brace, after = name.partition("{")
    return bool(brace) and after.find("}") > 0 and before is not None
