"""The English sentences for the codes of reasons, next events and steps. A format after the colon says how to write.

It knows no job.
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any

from queuemgr.service.words import clipped, counted, duration, size

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 300

REASONS = {
    # it waits for a moment
    "scheduled": "starts in {seconds:duration}",
    "due": "was due {seconds:duration} ago, the next worker to look takes it",
    "snoozed": "its task asked to be run again, that is in {seconds:duration}",
    "next_attempt": "retries in {seconds:duration}, attempt {attempt} failed",
    # somebody keeps it waiting
    "held": "it is held",
    "queue_paused": "queue {queue} is paused",
    "queue_limited": "queue {queue} may run {limit:count job} at a time, and {running} run",
    # nobody takes it
    "no_worker": "no worker is running",
    "no_worker_takes_queue": "no worker takes jobs from queue {queue}{near:hint}",
    "no_worker_knows_task": "waits for a worker that knows task {task}{near:hint}",
    "no_worker_fits": "no worker that takes queue {queue} knows task {task}, others know it",
    "parked_but_known": "a worker that knows task {task} takes it at its next look",
    "workers_stopping": "every worker for it is stopping, so none takes a new job",
    "workers_quiet": "every worker for it is quiet, so none takes a new job",
    "workers_silent": "every worker for it has been silent, the last one for {seconds:duration}: stuck or suspended",
    # its turn has not come
    "workers_busy": "every slot is taken ({slots:count slot} of {workers:count worker}), the oldest job there runs for "
    "{longest:duration}",
    "workers_busy_elsewhere": "every slot is taken ({slots:count slot} of {workers:count worker}) by jobs of other "
    "queues ({queues})",
    "behind_others": "{before:count job} of queue {queue} go before it",
    "behind_many": "about {before:count job} of queue {queue} go before it, at least {least:,} and at most {most:,}",
    "suspect": "it saw {crashes:count worker} die, so a worker runs it only while it runs no other such job",
    "suspect_waits": "it saw {crashes:count worker} die, and every worker for it runs such a job already",
    "about_to_start": "a worker has a free slot and takes it at its next look",
    "holds_unique_key": "as long as it has not ended, no other job with the unique key {key} is accepted",
    # what was before
    "given_back": "worker {worker} stopped during attempt {attempt} and gave it back; that does not count as a failure",
    "worker_died": "worker {worker} died during attempt {attempt}",
    "process_died": "its process was ended by {signal} in attempt {attempt}{likely:because}",
    "process_exited": "its process ended in attempt {attempt}: {message:short}",
    # clocks
    "clock_of_worker": "the clock of worker {worker} is {seconds:duration} ahead of the store's",
    "clock_of_producer": "it was enqueued {seconds:duration} in the future: the clock of who enqueued it is ahead",
    "clock_went_back": "attempt {attempt} ended {seconds:duration} before it began: a clock was put back",
    # it runs
    "runs": "runs for {seconds:duration}",
    "runs_with_progress": "runs for {seconds:duration}, about {left:duration} left",
    "being_stopped": "is being stopped, because somebody cancelled it",
    "worker_gone": "its worker {worker} is gone, the next worker to look takes it back",
    "worker_gone_alone": "its worker {worker} is gone, and no other worker is running to take the job back",
    "worker_silent": "its worker {worker} has been silent for {seconds:duration}, after {lease:duration} it counts as "
    "dead",
    "worker_stuck": "its worker {worker} lives, but has been silent for {seconds:duration}: stuck or suspended",
    "worker_stopping": "its worker {worker} is stopping: the job may end in its grace period, or is given back",
    "longer_than_usual": "it takes {times:.1f} times as long as usual: the last {number} successes took "
    "{median:duration}, the longest {longest:duration}",
    "usual": "the last {number} successes of this task took {median:duration}, the longest {longest:duration}",
    "said_nothing": "it has printed, logged and reported nothing for {seconds:duration}",
    "near_timeout": "its time-out of {timeout:duration} is over in {left:duration}",
    "past_timeout": "its time-out of {timeout:duration} is over since {late:duration}, and it could not be stopped yet",
    "attempt_again": "this is attempt {attempt}, after {failures:count failure} and {crashes:count crash}",
    # it succeeded
    "succeeded": "returned {size:bytes}, kept for another {kept:duration}",
    "succeeded_for_ever": "returned {size:bytes}",
    "succeeded_after": "it took {attempt:count attempt}, {failures} of them failed",
    # it is dead: what decided it
    "only_attempt_failed": "its only attempt failed",
    "all_attempts_failed": "all {attempts} attempts failed",
    "not_retried": "its error is one that is not retried",
    "at_most_once_failed": "it failed, and it runs at most once",
    "at_most_once_interrupted": "it was interrupted, and it runs at most once",
    "quarantined": "quarantined: {crashes:count time} its process or its worker died while it ran",
    "undecodable": "its arguments cannot be read: {message:short}",
    "given_up": "{reason:short}",
    # it failed: what happened
    "timed_out": "it was {message:short}: it ran longer than its time-out",
    "memory_limit": "it ran out of memory: {message:short}",
    "result_refused": "its result could not be kept: {message:short}",
    "raised": "{type}: {message:short}",
    # it failed: beside others
    "failed_alike": "{number:count other job} of this queue failed alike, the first {since:duration} ago",
    "failed_alike_at_least": "at least {number:count other job} of this queue failed alike, the first of them "
    "{since:duration} ago",
    "failed_alone": "it failed in its own way: {looked:count other dead job} of this queue failed differently",
    "differs_from_success": "the last success of this task ({ago:duration} ago) had other {what}",
    "like_last_success": "the last success of this task ({ago:duration} ago) had the same arguments and ran on the "
    "same host",
    "never_succeeded": "no success of this task is among the last ones that are still kept",
    "unique_key_taken": "it cannot run again before job {holder} ends, which holds its unique key {key}",
    # it was cancelled
    "cancelled_waiting": "cancelled before it ran",
    "cancelled_running": "{how:short}",
    "cancelled_by_task": "its own task cancelled it: {reason:short}",
    "cancelled_by": "cancelled by {who} ({via}) {ago:duration} ago",
    "replaced": "job {by} took its place, because it has the same unique key",
}

OF_ONE = {
    "longer_than_usual": "it takes {times:.1f} times as long as usual: the last success took {median:duration}",
    "usual": "the last success of this task took {median:duration}",
}
"""Instead of the reasons' sentences where their number is 1."""

NEXT = {
    "becomes_ready": "it becomes ready",
    "starts": "a worker starts it",
    "starts_about": "at the pace of the last minutes a worker starts it about then",
    "starts_after": "a worker starts it as soon as a slot is free",
    "waits_for_person": "nothing, until somebody does something",
    "ends_about": "it ends, if it goes on like this",
    "stopped_by_timeout": "its time-out stops it",
    "stops": "its worker stops it, and it ends as cancelled",
    "taken_back": "the next worker to look takes it back and runs it again",
    "forgotten": "it is forgotten with all that belongs to it",
}

PURPOSES = {
    "run_now": "run it now",
    "run_again": "run it again",
    "run": "run it",
    "release": "let it run",
    "cancel": "stop it",
    "resume_queue": "let it go on",
    "start_worker": "start one",
    "start_another": "start another worker",
    "raise_limit": "let it run more",
    "see_tasks": "see the tasks that workers know",
    "see_workers": "see the workers",
    "see_output": "see what it printed",
    "see_holder": "see who holds the key",
    "see_success": "see the last success",
    "see_alike": "see all failures by kind",
    "retry_alike": "run all that failed like it again",
    "more_time": "run it again with more time",
    "see_clock": "see whether this machine's clock is right",
    "see_replacement": "see what took its place",
    "wait": "wait for it",
}


class _Sentence(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec.partition(" "):
            case ("duration", _, _):
                return duration(value)
            case ("bytes", _, _):
                return size(value) if value else "nothing"
            case ("count", _, noun):
                return _counted(int(value), noun)
            case ("hint", _, _):
                return f" (did you mean {value!r}?)" if value else ""
            case ("because", _, _):
                return f": {value}" if value else ""
            case ("short", _, _):
                return clipped(str(value).strip().replace("\n", " "), LONGEST)
        return str(super().format_field(value, format_spec))


def reason(code: str, params: Mapping[str, Any]) -> str:
    template = OF_ONE.get(code) if params.get("number") == 1 else None
    return rendered(template or REASONS[code], params)


def rendered(template: str, params: Mapping[str, Any]) -> str:
    return _Sentence().vformat(template, (), params)


def _counted(number: int, noun: str) -> str:
    """`1 success`, `2 successes`."""
    if number == 1 or noun[-1] not in "sh":
        return counted(number, noun)
    return f"{number:,} {noun}es"
