"""Gives the trouble that Redis reports the names and words of this package, in one place. It repairs nothing."""

from __future__ import annotations

from dataclasses import dataclass

from redis import exceptions as theirs

from queuemgr.errors import ConfigError, StoreError, StoreUnavailable

NOTHING_KEPT = "nothing of this call was kept"

# What the server's answer begins with: our words where it is worth another try.
_PASSING = {
    "READONLY": "is a replica and takes no writes: name its master, or let Sentinel find it (redis+sentinel://)",
    "LOADING": "still reads its data from the disk: wait for it",
    "BUSY": "runs a script of somebody else for too long: end it with SCRIPT KILL",
    "MASTERDOWN": "has lost its master: wait for the failover, or start the master again",
    "CLUSTERDOWN": "belongs to a cluster that is not whole: look at CLUSTER INFO",
    "TRYAGAIN": "moves its keys to another node: wait for it",
    "MOVED": "does not hold the keys, another node of its cluster does: write redis+cluster:// in place of redis://",
    "ASK": "hands the keys to another node of its cluster: wait for it",
    "NOREPLICAS": "writes only where replicas keep up, and too few do: look at min-replicas-to-write",
}
# The same where it is not.
_LASTING = {
    "OOM": "has no memory left for new jobs: raise maxmemory, or keep fewer finished jobs (keep=, keep_finished=)",
    "MISCONF": "cannot write to its disk and takes no changes: look at its log, and free some space",
    "NOAUTH": "wants a password: write redis://:PASSWORD@host or redis://USER:PASSWORD@host",
    "WRONGPASS": "does not accept this user and password: correct them in the address",
    "NOPERM": "does not let this user do that: it needs the commands @read, @write, @scripting and @pubsub on the keys "
    "and channels of its prefix",
}
# Errors that do not tell the beginning of the answer in every version of redis-py.
_BEGINNINGS = (
    (theirs.ReadOnlyError, "READONLY"),
    (theirs.BusyLoadingError, "LOADING"),
    (theirs.MasterDownError, "MASTERDOWN"),
    (theirs.ClusterDownError, "CLUSTERDOWN"),
    (theirs.TryAgainError, "TRYAGAIN"),
    (theirs.MovedError, "MOVED"),
    (theirs.AskError, "ASK"),
    (theirs.OutOfMemoryError, "OOM"),
    (theirs.NoPermissionError, "NOPERM"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Our error, whether the call is worth another try, and whether it may have been carried out all the same."""

    error: StoreError | ConfigError
    again: bool
    doubtful: bool = False


def fault_of(place: str, error: BaseException) -> Fault:
    """What an error of redis-py or of the system means. `place` is the address as it may be shown."""
    words = _words(error)
    for begin, ours in _PASSING.items():
        if _says(words, begin):
            return Fault(StoreUnavailable(f"{place} {ours}"), again=True)
    for begin, ours in _LASTING.items():
        if _says(words, begin):
            kept = f"; {NOTHING_KEPT}" if begin in ("OOM", "MISCONF") else ""
            return Fault(StoreUnavailable(f"{place} {ours}{kept}"), again=False)
    return _unnamed(place, error, words)


def _unnamed(place: str, error: BaseException, words: str) -> Fault:
    match error:
        case theirs.AuthenticationError() | theirs.AuthorizationError():
            begin = "NOAUTH" if "required" in words else "WRONGPASS"
            return Fault(StoreUnavailable(f"{place} {_LASTING[begin]}"), again=False)
        case theirs.ResponseError():
            return Fault(StoreError(f"{place}: Redis says: {error}"), again=False)
        case _ if "certificate" in words.lower() or "ssl" in words.lower():
            reason = f"no TLS connection to {place}: {error}; give its authority by tls_ca=FILE, or use redis://"
            return Fault(StoreUnavailable(reason), again=False)
        case theirs.TimeoutError() | TimeoutError():
            more = " Does it speak TLS there?" if _is_tls(place) else ""
            reason = f"{place} does not answer: is it overloaded, or the network slow?{more}"
            return Fault(StoreUnavailable(reason), again=True, doubtful=True)
        case theirs.ConnectionError() | OSError():
            reason = f"{place} cannot be reached ({_cause(error)}): is the server running, and the address right?"
            if not _is_tls(place) and any(word in words for word in ("reset by peer", "closed by server")):
                reason += " Does it want TLS (rediss://)?"
            return Fault(StoreUnavailable(reason), again=True, doubtful=True)
    return Fault(StoreError(f"{place}: {error}"), again=False, doubtful=True)


def _is_tls(place: str) -> bool:
    return place.startswith(("rediss", "valkeys"))


def _words(error: BaseException) -> str:
    begin = next((begin for kind, begin in _BEGINNINGS if isinstance(error, kind)), "")
    return f"{begin} {error}" if begin else str(error)


def _says(words: str, begin: str) -> bool:
    # Older servers tell what a script met behind the place where it met it.
    return words.startswith(f"{begin} ") or f"-{begin} " in words


def _cause(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__
