"""Decides which file is read in which way, so that there is something of everything to see. It enqueues nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .tasks import read, read_at_second_try, read_slowly

if TYPE_CHECKING:
    from queuemgr.task import Call, Task

    from .folder import File, Listing

LARGE = 10
SPECIAL = ("fragile", "delayed", "isolated", "fragile", "fragile")
MISSING = "this-file-does-not-exist"


@dataclass(frozen=True, slots=True)
class Planned:
    """A call and the file that it reads; None for the one that does not exist."""

    way: str
    name: str
    file: File | None
    call: Call[Any]


def plan(listing: Listing, tag: str, seconds: float) -> list[Planned]:
    """One job for each file, and one for a file that does not exist. A large file takes `seconds`."""
    tasks: dict[str, Task[..., Any, Any]] = {
        "usual": read.using(tags=(tag,)),
        "large": read_slowly.using(tags=(tag,)),
        "fragile": read_at_second_try.using(tags=(tag,)),
        "delayed": read.using(tags=(tag,), delay=1.5 * seconds),
        "isolated": read.using(tags=(tag,), executor="process"),
    }

    def planned(way: str, file: File) -> Planned:
        pace = (seconds,) if way == "large" else ()
        return Planned(way, file.name, file, tasks[way].call(file.argument, *pace))

    missing = tasks["usual"].call(str(listing.folder / MISSING))
    return [Planned("missing", MISSING, None, missing), *(planned(way, file) for way, file in _ways(listing.files))]


def _ways(files: list[File]) -> list[tuple[str, File]]:
    """Files of middle size are read in special ways; the large ones are spread among all."""
    by_size = sorted(files, key=lambda file: file.size, reverse=True)
    most = min(LARGE, (len(files) + 2) // 3)
    large, small = by_size[:most], by_size[most:]
    middle = len(small) // 2
    special = list(zip(SPECIAL, small[middle:], strict=False))
    usual = small[:middle] + small[middle + len(special) :]
    ways = special + [("usual", file) for file in sorted(usual, key=lambda file: file.path)]
    for nth, file in enumerate(large):
        ways.insert(nth * (len(ways) + 1) // len(large), ("large", file))
    return ways
