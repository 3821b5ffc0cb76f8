"""A secret argument reaches the task and nobody else."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App, Secret
from queuemgr.codec import Codec
from queuemgr.errors import BadArguments
from queuemgr.service.payloads import arguments_of, untagged

HIDDEN = "correct horse"


@pytest.mark.parametrize("form", ["json", "msgpack"])
@pytest.mark.parametrize("value", [HIDDEN, b"\x00\xff", {"user": (1, None)}, [Secret(HIDDEN)], Secret(1)])
def test_a_secret_comes_back_with_what_it_wraps(form: str, value: Any) -> None:
    codec = Codec(form)
    (back,) = codec.decode(codec.encode([Secret(value)]))
    assert back == Secret(value)
    assert type(back.reveal()) is type(value)


def test_a_secret_is_shown_as_dots() -> None:
    for shown in (repr(Secret(HIDDEN)), str(Secret(HIDDEN)), f"{Secret(HIDDEN)}", f"{[Secret(HIDDEN)]}"):
        assert HIDDEN not in shown
        assert "•••" in shown


@pytest.mark.parametrize("form", ["json", "msgpack"])
def test_lists_and_pages_read_arguments_without_their_secrets(form: str) -> None:
    data = Codec(form).encode([[1, {"login": Secret({"password": HIDDEN})}], {"token": Secret(HIDDEN)}])
    seen = arguments_of(data)
    assert HIDDEN not in str(seen)
    assert untagged(seen["named"]) == {"token": "•••"}
    assert seen["positional"][0] == 1


def test_the_task_sees_what_its_caller_hid(tmp_path: Path) -> None:
    app = App(f"sqlite:///{tmp_path}/jobs.db")
    seen = []

    @app.task
    def log_in(user: str, password: Secret[str]) -> None:
        seen.append((user, password.reveal()))

    handle = log_in.enqueue("ann", Secret(HIDDEN))
    asyncio.run(_work(app))
    assert handle.result(timeout=60) is None
    assert seen == [("ann", HIDDEN)]
    app.close()


async def _work(app: App) -> None:
    await app.worker(burst=True).run()
    await app.aio.store.close()


def test_a_bare_value_where_a_secret_belongs_is_refused_without_showing_it(tmp_path: Path) -> None:
    app = App(f"sqlite:///{tmp_path}/jobs.db")

    @app.task
    def log_in(password: Secret[str]) -> None: ...

    with pytest.raises(BadArguments, match="password must be Secret, not str") as refused:
        log_in.enqueue(HIDDEN)  # type: ignore[arg-type]
    assert HIDDEN not in "".join(traceback.format_exception_only(refused.value))
