"""Functions, coroutines and classes as tasks, and the check of their arguments."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from queuemgr import App
from queuemgr.codec import Codec
from queuemgr.errors import BadArguments, ConfigError, EncodingError, UnknownTask
from queuemgr.job import new_id, order_of

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
