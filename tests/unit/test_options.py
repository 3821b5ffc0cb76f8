"""Options are checked where they are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from queuemgr import App, Snooze
from queuemgr.errors import ConfigError, UnknownOption
from queuemgr.kinds import LONGEST
from queuemgr.options import Backoff, Options, overrides_of, policy_of


def test_an_unknown_option_names_the_nearest_right_one() -> None:
    with pytest.raises(UnknownOption, match="did you mean 'priority'"):
        Options().changed({"prioritty": 1})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"priority": 10}, "0 to 9"),
        ({"priority": -1}, "0 to 9"),
        ({"attempts": 0}, "at least 1"),
        ({"timeout": 0}, "more than 0"),
        ({"delay": -1}, "negative"),
        ({"queue": ""}, "name of 1 to 200"),
        ({"executor": "proces"}, "did you mean 'process'"),
        ({"on_conflict": "replce"}, "did you mean 'replace'"),
        ({"backoff": "exponentially"}, "did you mean 'exponential'"),
        ({"backoff": 0.05}, "backoff must be a Backoff, its kind or a function, not 0.05"),
        ({"unique_for": 5}, "unique=True"),
        ({"memory_limit": 100, "executor": "thread"}, "process of its own"),
        ({"at": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001 - the very thing that is refused
        ({"delay": 1, "at": 5.0}, "not both"),
        ({"crash_budget": 0}, "at least 1"),
        ({"crash_budget": 2**31}, "at most 2147483647"),
        ({"delay": float("inf")}, "delay must not be negative, nor longer than a hundred years, not inf"),
        ({"keep": float("inf")}, "keep must not be negative, nor longer than a hundred years"),
        ({"keep": -1}, "keep must not be negative"),
        ({"unique": True, "unique_for": -1}, "unique_for must not be negative"),
        ({"timeout": 1e10}, "timeout must not be .* longer than a hundred years"),
        ({"at": 1_800_000_000_000}, "at must be in seconds and before the year 10000"),
        ({"queue": "two\nlines"}, "printable"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(wrong: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Options().changed(wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"keep": "7d"}, "keep must be a number of seconds or a timedelta, not '7d'"),
        ({"delay": "5m"}, "delay must be a number of seconds"),
        ({"timeout": float("nan")}, "timeout must be a number of seconds"),
        ({"unique_for": True}, "unique_for must be a number of seconds"),
        ({"at": "2030-01-01"}, "at must be a datetime with a time zone, or seconds since the epoch, not '2030-01-01'"),
        ({"priority": 1.5}, "priority must be a whole number, not 1.5"),
        ({"attempts": "3"}, "attempts must be a whole number, not '3'"),
        ({"attempts": True}, "attempts must be a whole number, not True"),
        ({"attempts": None}, "attempts must be a whole number, not None"),
        ({"memory_limit": "1GB"}, "memory_limit must be a whole number, not '1GB'"),
        ({"at_most_once": "yes"}, "at_most_once must be True or False, not 'yes'"),
        ({"queue": 5}, "queue must be a text, not 5"),
        ({"unique": 5}, "unique must be True, a key or a function, not 5"),
        ({"unique": ""}, "unique must be a key that is not empty"),
        ({"unique": "\ud800"}, "unique must be a key that is not empty, and that UTF-8 can carry"),
        ({"at": timedelta(hours=1)}, "at must be a datetime with a time zone, or seconds since the epoch"),
        ({"tags": ("\ud800",)}, "tags must be a text or several"),
        ({"tags": 5}, "tags must be a text or several, not 5"),
        ({"tags": ("a", 5)}, "tags must be a text or several"),
        ({"retry_on": (OSError, 5)}, "retry_on must be a class of exceptions, its name, or several of these"),
    ],
)
def test_a_value_of_a_wrong_kind_is_refused_with_the_right_kind(wrong: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        Options().changed(wrong)


def test_whatever_counts_is_a_number() -> None:
    class Three:
        def __index__(self) -> int:
            return 3

    options = Options().changed({"attempts": Three(), "timeout": None, "tags": ["a", "b"]})  # type: ignore[typeddict-item]
    assert (options.attempts, type(options.attempts), options.timeout, options.tags) == (3, int, None, ("a", "b"))


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"priority.*attempts"):
        Options().changed({"priority": 11, "attempts": 0})


def test_durations_may_be_timedeltas_and_moments_datetimes() -> None:
    options = Options().changed({"timeout": timedelta(minutes=1), "at": datetime(2026, 1, 1, tzinfo=UTC)})
    assert (options.timeout, options.at) == (60.0, 1767225600.0)


@pytest.mark.parametrize(
    "wrong",
    [{"base": float("nan")}, {"base": float("inf")}, {"cap": float("nan")}, {"base": timedelta(1)}, {"jitter": "0"}],
)
def test_a_backoff_is_made_of_numbers(wrong: dict) -> None:
    with pytest.raises(ConfigError, match="a backoff needs base >= 0"):
        Backoff(**wrong)


def test_no_pause_is_so_long_that_no_list_could_show_its_end() -> None:
    app = App()

    @app.task(backoff=lambda failures: float("inf"))
    def work() -> None: ...

    assert work.policy(None).delay_before(2, lambda: 0.5) == LONGEST
    for delay in (float("inf"), 1e12):
        with pytest.raises(ValueError, match="at most a hundred years"):
            Snooze(delay)


@pytest.mark.parametrize("name", ["ConnectionError", "requests.ConnectionError", "requests.exceptions.ConnectionError"])
def test_a_text_names_an_exception_by_each_place_from_which_it_may_be_imported(name: str) -> None:
    types = ("requests.exceptions.ConnectionError", "builtins.OSError")
    assert policy_of(Options().changed({"retry_on": name}), "thread").retries(types)
    assert not policy_of(Options().changed({"never_retry_on": name}), "thread").retries(types)
    assert not policy_of(Options().changed({"retry_on": "urllib.ConnectionError"}), "thread").retries(types)


def test_a_call_carries_only_what_differs_from_its_task() -> None:
    task = Options().changed({"attempts": 5, "retry_on": (OSError,)})
    assert overrides_of(task.changed({"priority": 3}), task) is None
    changed = task.changed({"attempts": 7, "backoff": Backoff("fixed", 3), "never_retry_on": KeyError})
    overrides = overrides_of(changed, task)
    policy = policy_of(task, "thread", overrides)
    assert (policy.attempts, policy.backoff, policy.executor) == (7, Backoff("fixed", 3), "thread")
    assert policy.retry_on == ("builtins.OSError",)
    assert policy.never_retry_on == ("builtins.KeyError",)


def test_a_backoff_function_belongs_to_the_task() -> None:
    app = App()

    @app.task(backoff=lambda failures: failures * 7.0)
    def work() -> None: ...

    assert work.policy(None).delay_before(3, lambda: 0.5) == 14
    with pytest.raises(ConfigError, match="belongs to the task"):
        work.using(backoff=lambda failures: 1.0)


def test_the_apps_defaults_reach_every_task_and_yield_to_its_own() -> None:
    app = App(queue="mail", attempts=9)

    @app.task(attempts=2)
    def work() -> None: ...

    assert (work.options.queue, work.options.attempts) == ("mail", 2)
    with pytest.raises(UnknownOption):
        App(atempts=3)


def test_a_memory_limit_without_a_process_is_refused() -> None:
    with pytest.raises(ConfigError, match="process of its own"):
        Options().changed({"memory_limit": 50_000_000})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"concurrency": 0}, "at least 1"),
        ({"concurrency": "4"}, "concurrency of a worker must be a whole number of at least 1, not '4'"),
        ({"max_tasks_per_child": 0}, "max_tasks_per_child of a worker must be a whole number of at least 1"),
        ({"grace": -1}, "grace of a worker must be a number of seconds of at least 0"),
        ({"grace": timedelta(1)}, "grace of a worker must be a number of seconds"),
        ({"queues": {"mail": 1.5}}, "a queue's weight is a whole number of at least 1; look at .'mail'"),
        ({"concurency": 3}, "did you mean 'concurrency'"),
    ],
)
def test_a_workers_settings_are_checked(wrong: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        App().worker(**wrong)


def test_a_handle_in_place_of_an_id_is_refused_with_what_would_be_right() -> None:
    app = App()
    for wrong in (app.client.handle("one"), ["one", "two"]):
        with pytest.raises(TypeError, match=r"a job is named by its id, a text, not by .*: give job.id"):
            app.client.cancel(wrong)  # type: ignore[arg-type]
    app.close()
