"""Why a job ended as it did: what decided it, what had happened, and how that compares with others of its kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .answer import Next, Reason, Step
from .causes import cause_of
from .fingerprint import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .comparing import Comparison
    from .lately import Alike
    from .situation import Situation

_REPLACED = re.compile(r"replaced by (\S+)")


def of_succeeded(situation: Situation) -> list[Reason]:
    record = situation.record
    params: dict[str, Any] = {"size": record.result_size or 0}
    step = Step("run_again", f"queuemgr jobs retry {record.id}")
    code = "succeeded_for_ever"
    if record.expires_at is not None:
        code, params["kept"] = "succeeded", max(0.0, record.expires_at - situation.now)
    found = [Reason(code, params, steps=(step,), next=_forgotten(situation))]
    if record.attempt > 1:
        found.append(Reason("succeeded_after", {"attempt": record.attempt, "failures": record.failures}))
    return [*found, *_key_taken(situation)]


def of_dead(situation: Situation) -> list[Reason]:
    record = situation.record
    last = record.attempts[-1] if record.attempts else None
    fate, cause = _fate(situation), cause_of(record.error, last)
    told = fate.code == "undecodable" or (
        fate.code == "given_up" and fate.params["reason"] == cause.params.get("message")
    )
    steps = (Step("run_again", f"queuemgr jobs retry {record.id}"), *_more_time(record.id, cause))
    first = Reason(fate.code, fate.params, fate.details, steps, _forgotten(situation))
    return [first, *([] if told else [cause]), *_beside_others(situation), *_key_taken(situation)]


def of_cancelled(situation: Situation) -> list[Reason]:
    record = situation.record
    step = Step("run", f"queuemgr jobs retry {record.id}")
    code, params, more = _how_cancelled(situation)
    found = [Reason(code, params, steps=(*more, step), next=_forgotten(situation))]
    if (by := situation.cancelled_by) is not None:
        found.append(Reason("cancelled_by", {**by, "ago": situation.now - float(by["at"])}))
    return [*found, *_key_taken(situation)]


def _fate(situation: Situation) -> Reason:
    """Why there is no further attempt."""
    record = situation.record
    error = record.error or {}
    reason = str(error.get("reason") or error.get("message") or "it failed")
    last = record.attempts[-1].outcome if record.attempts else ""
    if last == "undecodable":
        return Reason("undecodable", {"message": reason})
    if "at most once" in reason:
        return Reason("at_most_once_failed" if last == "failed" else "at_most_once_interrupted")
    if reason.startswith("quarantined"):
        return Reason("quarantined", {"crashes": max(record.crashes, 1)})
    if "is not retried" in reason:
        return Reason("not_retried")
    if reason == "its only attempt failed":
        return Reason("only_attempt_failed")
    if found := re.fullmatch(r"all (\d+) attempts failed", reason):
        return Reason("all_attempts_failed", {"attempts": int(found[1])})
    return Reason("given_up", {"reason": reason})


def _more_time(job_id: str, cause: Reason) -> Iterator[Step]:
    """Twice the time that was not enough."""
    if cause.code == "timed_out" and (found := re.match(r"stopped after ([\d.]+) s", cause.params["message"])):
        yield Step("more_time", f"queuemgr jobs rerun {job_id} --timeout {2 * float(found[1]):g}")


def _beside_others(situation: Situation) -> Iterator[Reason]:
    if situation.alike is not None and situation.alike.looked:
        yield _alike(situation, situation.alike)
    if situation.comparison is not None:
        yield _unlike_success(situation, situation.comparison)
    elif situation.successes is not None:
        yield Reason("never_succeeded", {"looked": situation.successes.looked})


def _alike(situation: Situation, alike: Alike) -> Reason:
    print_ = fingerprint_of(situation.record.error).id
    if not alike.ids:
        return Reason("failed_alone", {"looked": alike.looked}, {"fingerprint": print_})
    params = {"number": len(alike.ids), "since": situation.now - (alike.since or situation.now)}
    details = {"fingerprint": print_, **alike.facts}
    steps = (Step("see_alike", "queuemgr failures"), Step("retry_alike", f"queuemgr failures --retry {print_}"))
    return Reason("failed_alike" if alike.complete else "failed_alike_at_least", params, details, steps)


def _unlike_success(situation: Situation, comparison: Comparison) -> Reason:
    success = comparison.success
    params: dict[str, Any] = {"job": success.id, "ago": situation.now - (success.finished_at or situation.now)}
    steps = (Step("see_success", f"queuemgr jobs show {success.id}"),)
    if telling := comparison.telling:
        return Reason("differs_from_success", params | {"what": " and ".join(telling)}, comparison.facts, steps)
    return Reason("like_last_success", params, comparison.facts, steps)


def _how_cancelled(situation: Situation) -> tuple[str, dict[str, Any], tuple[Step, ...]]:
    record = situation.record
    error = record.error or {}
    said = str(error.get("reason") or error.get("message") or "it was cancelled")
    if found := _REPLACED.fullmatch(said):
        by = found[1]
        return "replaced", {"by": by}, (Step("see_replacement", f"queuemgr jobs show {by}"),)
    if said.startswith("cancelled while running") or said == "it was cancelled":
        return "cancelled_running", {"how": said}, ()
    if record.attempt == 0 or said == "cancelled before it ran":
        return "cancelled_waiting", {}, ()
    return "cancelled_by_task", {"reason": said}, ()


def _key_taken(situation: Situation) -> Iterator[Reason]:
    holder = situation.holder
    if holder is not None:
        steps = (Step("see_holder", f"queuemgr jobs show {holder}"), Step("wait", f"queuemgr jobs wait {holder}"))
        yield Reason("unique_key_taken", {"holder": holder, "key": situation.record.unique_key}, steps=steps)


def _forgotten(situation: Situation) -> Next | None:
    at = situation.record.expires_at
    return None if at is None else Next("forgotten", at)
