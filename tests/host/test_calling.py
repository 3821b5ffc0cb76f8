"""Asking the service: many at a time, large things, from threads, from event loops and after a fork."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr import exceptions
from queuemgr.errors import (
    EncodingError,
    JobNotFound,
    OperationTimeout,
    ProcessControlError,
    ServiceGone,
    ValidationError,
)
from queuemgr.service.host.calling import AsyncCaller, Caller
from queuemgr.service.host.wire import PIECE, Answer, BadMessage, Inbox, Request, decode_request, encode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.host.rig import Service


def test_a_message_survives_in_pieces_of_any_size() -> None:
    messages = [Request(1, "small"), Request(2, "large", {"text": "ж" * PIECE}), Request(3, "small")]
    data = b"".join(part for message in messages for part in encode(message))
    for step in (1, 7, 4096, len(data)):
        inbox = Inbox(1 << 20)
        read = [message for start in range(0, len(data), step) for message in inbox.feed(data[start : start + step])]
        assert [decode_request(message) for message in read] == messages


def test_pieces_of_several_messages_may_alternate() -> None:
    first, second = (list(encode(Answer(number, "x" * 3 * PIECE))) for number in (1, 2))
    inbox = Inbox(1 << 20)
    mixed = [part for pair in zip(first, second, strict=True) for part in pair]
    assert len([message for part in mixed for message in inbox.feed(part)]) == 2


def test_a_message_beyond_the_limit_is_refused() -> None:
    with pytest.raises(BadMessage, match="more than 100,000 bytes"):
        list(Inbox(100_000).feed(b"".join(encode(Answer(1, "x" * 200_000)))))


def test_threads_share_a_caller_without_waiting_for_one_another(service: Service) -> None:
    service.add("Nothing", "waits", start=False)
    waiting = threading.Thread(target=service.caller.call, args=("job.wait", {"job_id": "waits", "timeout": 3.0}))
    waiting.start()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: service.ask("service.status")["pid"], range(100)))
    assert set(answers) == {service.pid}
    assert waiting.is_alive()
    waiting.join()


def test_many_calls_of_one_loop_are_under_way_at_once(service: Service) -> None:
    async def body() -> list[Any]:
        caller = AsyncCaller(service.config.socket)
        try:
            for number in range(20):
                arguments = {
                    "job_class": "tests.host.jobs_for_tests.Echo",
                    "job_id": f"j{number}",
                    "params": {"n": number},
                }
                await caller.call("job.add", arguments)
            waits = [asyncio.create_task(caller.call("job.wait", {"job_id": f"j{n}"})) for n in range(20)]
            await asyncio.gather(*(caller.call("job.start", {"job_id": f"j{n}"}) for n in range(20)))
            return [record["result"]["n"] for record in await asyncio.gather(*waits)]
        finally:
            await caller.close()

    assert asyncio.run(body()) == list(range(20))


def test_large_parameters_and_results_pass(service: Service) -> None:
    text = "ж" * 300_000
    assert service.run("Echo", "a", text=text)["result"] == {"text": text}


def test_a_call_that_takes_too_long_is_given_up(service: Service) -> None:
    service.add("Nothing", "a", start=False)
    with pytest.raises(OperationTimeout) as caught:
        service.caller.call("job.wait", {"job_id": "a"}, timeout=0.2)
    assert (caught.value.operation, caught.value.timeout_seconds) == ("job.wait", 0.2)
    assert service.ask("service.status")["pid"] == service.pid

    async def body() -> None:
        caller = AsyncCaller(service.config.socket, timeout=0.2)
        with pytest.raises(OperationTimeout):
            await caller.call("job.wait", {"job_id": "a"})
        await caller.close()

    asyncio.run(body())


def test_a_caller_goes_on_with_the_next_service(service: Service) -> None:
    caller = Caller(service.config.socket)
    first = caller.call("service.status")["pid"]
    service.close()
    service.begin()
    assert caller.call("service.status")["pid"] == service.pid != first
    caller.close()


def test_a_forked_child_may_ask_as_well(service: Service) -> None:
    service.ask("service.status")
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if service.ask("service.status")["pid"] == service.pid else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert service.ask("service.status")["pid"] == service.pid


def test_errors_come_back_as_their_own_classes_under_old_and_new_names(service: Service) -> None:
    with pytest.raises(exceptions.JobNotFoundError) as caught:
        service.ask("job.status", job_id="nope")
    assert isinstance(caught.value, JobNotFound | ProcessControlError)
    assert caught.value.job_id == "nope"
    with pytest.raises(exceptions.QueueManagerError):
        service.ask("job.status", job_id=5)
    with pytest.raises(ValidationError) as wrong:
        service.ask("job.status", job_id=5)
    assert wrong.value.field == "job_id"


@pytest.mark.parametrize("value", [float("nan"), {1: 2}, b"bytes", object(), "a\ud800", {"a\ud800": 1}])
def test_what_json_cannot_say_is_refused_before_it_is_sent(service: Service, value: Any) -> None:
    with pytest.raises(EncodingError, match=r"arguments\.params\.value"):
        service.add("Echo", "a", value=value)


def test_a_caller_goes_on_in_the_next_event_loop(service: Service) -> None:
    caller = AsyncCaller(service.config.socket, timeout=10.0)

    async def ask() -> Any:
        return (await caller.call("service.status"))["pid"]

    with warnings.catch_warnings():
        # asyncio tells that the loops before were left without a word.
        warnings.simplefilter("ignore", ResourceWarning)
        assert [asyncio.run(ask()) for _ in range(3)] == [service.pid] * 3
        asyncio.run(caller.close())
        gc.collect()


def test_an_answer_that_is_cut_off_is_no_answer(tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    listening.listen()

    def cut_off() -> None:
        connected, _ = listening.accept()
        connected.recv(1000)
        connected.sendall(b'{"id":1,"piece":100,"more":false}\n{"id":1,"res')
        connected.close()

    thread = threading.Thread(target=cut_off)
    thread.start()
    with pytest.raises(ServiceGone, match=r"ended before it answered job\.list"):
        Caller(tmp_path / "socket").call("job.list")
    thread.join()
    listening.close()
