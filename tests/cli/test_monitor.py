"""The monitor: what keys do, what fits on a screen, and what is answered where there is no screen."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest

from queuemgr.service.cli.monitor.frame import frame, room_for
from queuemgr.service.cli.monitor.keys import keys_in
from queuemgr.service.cli.monitor.state import Choice, Quit, Rate, Stop, Toggle, press, settled
from queuemgr.service.cli.monitor.tail import Tail
from queuemgr.service.cli.pretty import Terminal
from queuemgr.service.connecting import connected
from queuemgr.service.places import Place

from .conftest import Shop, ask, call, start


def document_of(*names: str, running: int = 0, failed: int = 0) -> dict[str, Any]:
    states = ("scheduled", "ready", "running", "held", "parked", "succeeded", "dead", "cancelled")
    queue = {"paused": False, "oldest_ready": None, "counts": dict.fromkeys(states, 3), "workers": 1}
    job = {"id": "0" * 36, "task": "shop.slow", "state": "running", "started_at": 90.0, "finished_at": 95.0}
    job |= {"progress": 50.0, "seconds_left": 10.0, "note": "step 5 of 10", "error": {"type": "builtins.ValueError"}}
    return {
        "at": 100.0,
        "url": "sqlite:///jobs.db",
        "queues": [queue | {"name": name} for name in names],
        "workers": [{"alive": True, "concurrency": 16, "running": running}],
        "running": [job | {"cancel_requested": False}] * running,
        "failed": [job] * failed,
        "finished": 12,
    }


def picture(
    document: dict[str, Any], choice: Choice, width: int, height: int, *, fill: bool = False, output: Any = ()
) -> list[str]:
    console = Terminal(file=io.StringIO(), width=width, height=height)
    console.print(frame(document, settled(choice, document), 1.5, console, fill=fill, output=output))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_arrows_and_letters_select_a_queue() -> None:
    document, choice = document_of("a", "b", "c"), Choice("a")
    for key, queue in (("down", "b"), ("j", "c"), ("down", "c"), ("up", "b"), ("k", "a"), ("up", "a")):
        choice, wish = press(choice, key, document)
        assert (choice.queue, wish) == (queue, None)


def test_p_pauses_the_selected_queue_or_lets_it_go_on() -> None:
    document = document_of("a", "b")
    assert press(Choice("b"), "p", document)[1] == Toggle("b", pause=True)
    document["queues"][1]["paused"] = True
    assert press(Choice("b"), "p", document)[1] == Toggle("b", pause=False)
    assert press(Choice("gone"), "p", document)[1] is None


def test_q_quits_and_f_narrows_to_the_selected_queue() -> None:
    document = document_of("a")
    assert press(Choice("a"), "q", document)[1] == Quit()
    narrowed = press(Choice("a"), "f", document)[0]
    assert (narrowed.shown_queue, press(narrowed, "f", document)[0].shown_queue) == ("a", None)
    assert press(Choice("a"), "x", document) == (Choice("a"), None)


def test_left_and_right_select_a_running_job_and_o_follows_it() -> None:
    document = document_of("a", running=3)
    document["running"] = [job | {"id": name} for job, name in zip(document["running"], "xyz", strict=True)]
    choice = settled(Choice(), document)
    for key, job in (("right", "y"), ("l", "z"), ("right", "z"), ("left", "y"), ("h", "x")):
        choice, wish = press(choice, key, document)
        assert (choice.job, choice.followed, wish) == (job, None, None)
    choice, _ = press(choice, "o", document)
    assert choice.followed == "x"
    document["running"] = document["running"][1:]
    assert settled(choice, document).followed == "x", "its last lines are there when it has ended, too"
    unfollowed, _ = press(choice, "o", document)
    assert settled(unfollowed, document).job == "y"


def test_s_stops_the_selected_job_when_it_is_pressed_twice() -> None:
    document = document_of("a", running=1)
    job = document["running"][0]["id"]
    once, wish = press(settled(Choice(), document), "s", document)
    assert (once.sure, wish) == (True, None)
    assert f"press s again to stop job {job}" in picture(document, once, 120, 24)[-1]
    assert press(once, "s", document) == (settled(Choice("a"), document), Stop(job))
    assert press(once, "x", document) == (settled(Choice("a"), document), None)
    nobody = document_of("a")
    assert press(settled(Choice(), nobody), "s", nobody)[1] is None


@pytest.mark.parametrize("width", [60, 132])
@pytest.mark.parametrize("height", [16, 24, 50])
@pytest.mark.parametrize("many", [0, 3, 400])
def test_a_picture_with_output_fits_the_terminal_and_shows_its_end(width: int, height: int, many: int) -> None:
    document, output = document_of("a", running=40), [f"line {n}\t\x1b[31m{'x' * 200}" for n in range(many)]
    lines = picture(document, Choice(output=True), width, height, fill=True, output=output)
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert any(line.startswith("OUTPUT of 000") for line in lines)
    assert any(f"line {many - 1}" in line for line in lines) == (many > 0)


def test_the_output_of_a_job_is_read_once_and_kept(shop: Shop) -> None:
    job = str(shop.task("send_mail").enqueue("a@b").id)
    shop.work()
    tail = Tail()

    async def look() -> list[list[str]]:
        async with connected(Place(shop.url)) as here:
            return [await tail.look(here.client, job_id) for job_id in (job, job, None, "nobody")]

    first, again, none, unknown = asyncio.run(look())
    assert "to a@b: Hello" in first
    assert (again, none, unknown) == (first, [], [])


def test_a_queue_that_goes_away_leaves_the_first_one_selected() -> None:
    assert settled(Choice("gone"), document_of("a", "b")).queue == "a"
    assert settled(Choice("gone"), document_of()).queue == "gone"
    assert press(Choice(), "down", document_of())[0].queue is None


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("q", ["q"]),
        ("\x1b[A\x1b[B", ["up", "down"]),
        ("\x1bOAp", ["up", "p"]),
        ("\x1b[1;5Cq", ["q"]),
        ("\x1b[5~j", ["j"]),
        ("\x1b", []),
        ("é", ["é"]),
    ],
)
def test_keys_are_told_apart(text: str, keys: list[str]) -> None:
    assert keys_in(text) == keys


def test_the_rate_is_that_of_the_last_seconds() -> None:
    rate = Rate()
    assert rate.add(0.0, 100) is None
    assert rate.add(1.0, 110) == 10.0
    assert rate.add(10.0, 110) == pytest.approx(0.0)
    assert rate.add(20.0, 130) == 2.0


def test_the_rate_begins_anew_when_old_jobs_are_forgotten() -> None:
    rate = Rate()
    rate.add(0.0, 100)
    assert rate.add(1.0, 50) is None
    assert rate.add(2.0, 60) == 10.0


@pytest.mark.parametrize("width", [60, 80, 132])
@pytest.mark.parametrize("height", [16, 24, 50])
@pytest.mark.parametrize("many", [0, 3, 40])
def test_a_picture_fits_the_terminal(width: int, height: int, many: int) -> None:
    document = document_of(*(f"queue-{n}" for n in range(many)), running=many, failed=many)
    lines = picture(document, Choice(), width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert len(picture(document, Choice(), width, height, fill=True)) == height


def test_the_selected_queue_is_always_in_the_picture() -> None:
    names = [f"queue-{n:02}" for n in range(40)]
    for name in names:
        lines = picture(document_of(*names, running=9), Choice(name), 80, 24)
        assert [line for line in lines if line.startswith(f"> {name}")]


def test_running_jobs_get_the_room_that_others_leave() -> None:
    room = room_for(24, 1, 50, 0)
    assert (room.queues, room.running, room.failed) == (1, 13, 1)
    room = room_for(24, 1, 2, 50)
    assert (room.queues, room.running, room.failed) == (1, 2, 12)


def test_an_empty_picture_says_so() -> None:
    text = "\n".join(picture(document_of(), Choice(), 80, 24))
    for told in ("no queues yet", "nothing runs", "no dead jobs"):
        assert told in text


def test_one_picture_of_a_real_store(shop: Shop, join: Callable[..., None], claim: Callable[..., None]) -> None:
    shop.die()
    join("w1", queues=("default",), tasks=(f"{shop.module}.age",))
    shop.task("age").enqueue()
    claim("w1", progress=25.0, note="a quarter")
    text = call("monitor", "--once", "--store", shop.url).stdout
    for told in ("1 worker, 1 of 4 slots busy", "> default", "25%", "a quarter", "ValueError"):
        assert told in text


def test_json_is_one_document(shop: Shop) -> None:
    dead = shop.die()
    document = ask("monitor", "--store", shop.url)
    assert document.keys() == {"at", "url", "queues", "workers", "running", "failed", "finished"}
    assert [job["id"] for job in document["failed"]] == [dead]
    assert document["finished"] == 1


def test_where_there_is_no_screen_a_line_is_printed_again_and_again(shop: Shop) -> None:
    shop.die()
    with start("monitor", "--every", "0.1", "--store", shop.url) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.terminate()
        process.communicate(timeout=60)
    for line in lines:
        assert "0 ready, 0 running, 0 scheduled, 1 dead, 1 done" in line
    assert "0.0 jobs/s" in lines[1]
