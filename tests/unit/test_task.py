"""Functions, coroutines and classes as tasks, and the check of their arguments."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from queuemgr import App
from queuemgr.codec import Codec
from queuemgr.errors import BadArguments, BadSchedule, ConfigError, EncodingError, UnknownTask
from queuemgr.job import new_id, order_of
from queuemgr.service.facts import task_facts

app = App()


@app.task
def add(a: int, b: int = 1, *, scale: float = 1.0) -> float:
    return (a + b) * scale


@app.task(name="shop.greet", queue="mail")
async def greet(name: str, *rest: str, **more: int | None) -> str:
    return " ".join([name, *rest, *more])


@app.task
class Resize:
    def __init__(self, path: str, width: int = 100) -> None:
        self.path, self.width = path, width

    def run(self) -> str:
        return f"{self.path}@{self.width}"


@app.task
def loose(items: Sequence[int], anything, maybe: int | None = None) -> None: ...


def counts(upto: int):
    yield from range(upto)


async def counts_later(upto: int):
    yield upto


class Idle: ...


def test_to_a_reader_a_task_looks_like_its_function() -> None:
    @app.task
    def shout(word: str, times: int = 1) -> str:
        """Say it loudly."""
        return word.upper() * times

    assert shout.__doc__ == "Say it loudly."
    assert str(inspect.signature(shout)) == "(word: 'str', times: 'int' = 1) -> 'str'"
    assert repr(greet) == "<task shop.greet>"


def test_a_task_can_still_be_called() -> None:
    assert add(1, b=2, scale=2) == 6
    assert asyncio.run(greet("Ann", "Lee")) == "Ann Lee"
    assert Resize("a.png").run() == "a.png@100"


def test_a_worker_runs_all_three_kinds() -> None:
    assert add.run((1,), {"b": 4}) == 5
    assert asyncio.run(greet.run(("Ann",), {})) == "Ann"
    assert Resize.run(("a.png",), {"width": 5}) == "a.png@5"


@pytest.mark.parametrize(
    ("task", "args", "kwargs", "said"),
    [
        (add, (), {}, "missing a required argument: 'a'"),
        (add, (1, 2, 3), {}, "too many positional arguments"),
        (add, (1,), {"scal": 2}, "unexpected keyword argument 'scal'"),
        (add, ("1",), {}, "a must be int, not str '1'"),
        (add, (1,), {"scale": "x"}, "scale must be float or int"),
        (greet, (5,), {}, "name must be str"),
        (Resize, ("a", None), {}, "width must be int"),
        (loose, (5, 1), {}, "items must be Sequence"),
        (loose, ([], 1, "x"), {}, "maybe must be int or NoneType"),
    ],
)
def test_wrong_arguments_are_refused_before_the_job_exists(task, args, kwargs, said: str) -> None:
    with pytest.raises(BadArguments, match=said):
        task.call(*args, **kwargs)


unquoted = pytest.mark.skipif(sys.version_info < (3, 14), reason="before Python 3.14 there is no such function")


@pytest.mark.parametrize("annotation", ["'Missing'", pytest.param("Missing", marks=unquoted)])
def test_an_annotation_may_name_what_is_there_for_type_checkers_only(annotation: str) -> None:
    made: dict[str, Any] = {}
    source = f"def price(what: {annotation}, cents: int = 0) -> {annotation}: ..."
    exec(compile(source, __file__, "exec", dont_inherit=True), {"__name__": __name__}, made)
    task = App().task(made["price"])
    task.call("a desk", 5)
    with pytest.raises(BadArguments, match=r"price\(what: 'Missing'.*missing a required argument: 'what'"):
        task.call()
    assert task_facts(task)["signature"].startswith("(what: 'Missing'")


def test_right_arguments_pass() -> None:
    add.call(1, 2, scale=3)
    greet.call("a", "b", "c", d=None)
    loose.call([1], {"x": 1}, None)
    assert Codec().decode(add.call(1, b=2).job.args) == [[1], {"b": 2}]


def test_what_cannot_travel_is_refused_with_its_place() -> None:
    with pytest.raises(EncodingError, match=r"\['x'\]"):
        loose.call([1], {"x": Path()})


def test_a_payload_over_the_limit_is_refused() -> None:
    small = App(max_payload=100)

    @small.task
    def work(data: str) -> None: ...

    with pytest.raises(EncodingError, match="limit is 100"):
        work.call("x" * 200)


def test_names_come_from_the_module_and_can_be_chosen() -> None:
    assert add.name == f"{__name__}.add"
    assert greet.call("x").job.task == "shop.greet"
    assert greet.call("x").job.queue == "mail"


def test_an_unknown_task_names_the_nearest_right_one() -> None:
    with pytest.raises(UnknownTask, match="did you mean"):
        app.tasks["shop.great"]


def test_unique_keys_come_from_the_arguments_a_text_or_a_function() -> None:
    by_arguments = add.using(unique=True)
    assert by_arguments.call(1).job.unique == by_arguments.call(1).job.unique
    assert by_arguments.call(1).job.unique != by_arguments.call(2).job.unique
    assert add.using(unique="nightly").call(1).job.unique.key == "nightly"  # type: ignore[union-attr]
    assert add.using(unique=lambda a: f"for {a}").call(7).job.unique.key == "for 7"  # type: ignore[union-attr]


def test_calls_made_together_are_the_calls_that_one_by_one_would_have_been() -> None:
    jobs = [call.job for call in add.using(queue="mail", priority=3).calls((n, 1) for n in range(700))]
    one = add.using(queue="mail", priority=3).call(699, 1).job
    assert replace(jobs[-1], id=one.id, created_at=one.created_at) == one
    ids = [job.id for job in jobs]
    assert sorted(set(ids)) == ids
    assert {order_of(one) for one in ids} == set(range(order_of(ids[0]) or 0, (order_of(ids[-1]) or 0) + 1))


def test_a_part_of_calls_is_calls() -> None:
    calls = add.calls((n, 1) for n in range(30))
    assert [call.job for call in calls[10:20]] == [call.job for call in calls][10:20]
    assert calls[-1].job == list(calls)[-1].job
    assert len(calls[25:]) == 5


def test_calls_made_together_may_each_have_a_unique_key() -> None:
    keys = [call.job.unique.key for call in add.using(unique=lambda a, b: f"{a}:{b}").calls([(1, 2), (3, 4)])]  # type: ignore[union-attr]
    assert keys == ["1:2", "3:4"]


@pytest.mark.parametrize("rows", [[(1,), ("x",)], [(1, 2), (1,), ("x", 1)], [(1, 2, 3, 4)], [()]])
def test_of_many_calls_the_wrong_one_is_named(rows: list[tuple[Any, ...]]) -> None:
    with pytest.raises(BadArguments) as many:
        add.calls(rows)
    with pytest.raises(BadArguments) as one:
        _ = [add.call(*row) for row in rows]
    assert str(many.value) == str(one.value)


@pytest.mark.parametrize("value", [2.5, b"x", "x" * 700, 10**700, [1, {"$": 2}], None, {"a": (1, 2)}])
def test_many_calls_are_written_as_one_by_one(value: object) -> None:
    codec = Codec()
    rows = [(value,), (1, value), ()]
    assert codec.encode_calls(rows) == [codec.encode_call(row, {}) for row in rows]


def test_what_cannot_travel_is_refused_among_many_calls() -> None:
    with pytest.raises(EncodingError, match="surrogate"):
        Codec().encode_calls([("x",), ("\ud800",)])


def test_the_largest_of_many_calls_is_refused_over_the_limit() -> None:
    small = App(max_payload=100)
    with pytest.raises(EncodingError, match="take 506 bytes and the limit is 100"):
        small.task(len).calls([("x",), ("x" * 500,)])


def test_ids_sort_by_their_making_and_hold_their_order() -> None:
    ids = [new_id() for _ in range(5_000)]
    assert sorted(set(ids)) == ids
    assert [order_of(one) for one in ids] == sorted(order_of(one) or 0 for one in ids)


@pytest.mark.parametrize("other", ["", "mine", "x" * 36, "01a201a9-d763-407d-b84a-f37ba0ffeaa6", "ф" * 36])
def test_an_id_that_somebody_chose_holds_no_order(other: str) -> None:
    assert order_of(other) is None


@pytest.mark.parametrize("url", ["redis//x", "nosuch://x", "sqlite://", "sqlite:///x.db?durability=hard", ""])
def test_a_wrong_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigError, match=r"sqlite:///|durability=normal"):
        App(url).aio.store  # noqa: B018 - the store is made on first use


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("shop.add", r"'shop.add' is neither a function nor a class: write @app.task, or @app.task\(name=...\)"),
        (add, "is a task already"),
        (partial(add.function, 1), r"has no name: app.task\(name='module.name'\)"),
        (Idle, "test_task.Idle has no method `run`"),
        (counts, "test_task.counts is a generator, whose code would never run: return a list"),
        (counts_later, "test_task.counts_later is a generator"),
    ],
)
def test_what_no_worker_could_run_is_refused_where_it_is_declared(wrong: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        App().task(wrong)


def test_what_has_no_name_may_be_given_one() -> None:
    assert App().task(name="shop.next")(partial(add.function, 1)).name == "shop.next"


def test_two_functions_cannot_be_one_task() -> None:
    own = App()
    own.task(name="shop.add")(add.function)
    with pytest.raises(ConfigError, match=r"two functions would be the task 'shop.add': .*test_task.add and .*loose"):
        own.task(name="shop.add")(loose.function)
    own.task(lambda a: a)
    with pytest.raises(ConfigError, match=r"two functions would be the task .*<lambda>"):
        own.task(lambda b: b)


def test_a_function_that_is_defined_anew_takes_its_own_place() -> None:
    own = App()
    for value in (1, 2):

        @own.task
        def work(value: int = value) -> int:
            return value

    assert [task.name for task in own.tasks] == [work.name]
    assert own.tasks[work.name].run((), {}) == 2


@pytest.mark.parametrize("returned", [None, "", "\ud800"])
def test_a_unique_function_without_a_key_is_refused_and_does_not_make_all_jobs_one(returned: Any) -> None:
    with pytest.raises(
        BadArguments, match=r"the unique function of .*add must return the key, a text that is not empty"
    ):
        add.using(unique=lambda *_, **__: returned).call(1)


@pytest.mark.parametrize("rule", [60, timedelta(minutes=1), None])
def test_a_rule_that_would_never_fire_is_refused(rule: Any) -> None:
    with pytest.raises(BadSchedule, match="write for example 'every 90s'"):
        App().schedule("wrong", rule, add.call(1))
    with pytest.raises(ConfigError, match="did you mean 'all'"):
        App().schedule("wrong", "@daily", add.call(1), missed="al")


SCRIPT = """
from queuemgr import App
from queuemgr.executor import describe, names_of

app = App()

class Away(Exception): ...

@app.task(retry_on=(Away,))
def look(): ...

if __name__ == "__main__":
    import shop  # the same file, as a process of a worker imports it

    for one, other in ((look, Away()), (look, shop.Away()), (shop.look, Away())):
        print(one.policy(None).retries(names_of(other)), describe(other)["type"])
"""


def test_an_exception_has_one_name_in_a_script_that_is_run_and_where_a_worker_imports_it(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    program = [sys.executable, "shop.py"]
    said = subprocess.run(program, cwd=tmp_path, env=env, capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.splitlines() == ["True shop.Away"] * 3
