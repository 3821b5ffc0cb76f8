"""Real receivers are told of alerts: once, by one manager, again if it did not work. The clock is the test's."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from queuemgr.service.observe.config import AlertWish, Notify
from queuemgr.service.observe.delivering import CLAIM, PAUSES
from queuemgr.service.observe.sampler import Sampler
from queuemgr.service.observe.sending import signature
from queuemgr.service.operations.alerts import list_alerts, remove_alert, silence_alert
from tests.host.rig import lives, until
from tests.observe.rig import Stage, receiver, staged

RULE = "queue_length > 2"
RULES = {RULE: "high_priority"}


async def look(stage: Stage, *samplers: Sampler, seconds: float = 10) -> None:
    """Let ten seconds pass, and all that follows from them happen."""
    stage.clock.advance(seconds)
    await asyncio.gather(*(sampler.tick() for sampler in samplers))
    await asyncio.gather(*(sampler.settled() for sampler in samplers))


async def empty(stage: Stage) -> None:
    from queuemgr.store import Query

    await stage.store.change("delete", Query(queue="default"))


def test_a_webhook_is_told_when_an_alert_fires_and_when_it_is_over(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with receiver() as hook:
            sampler = stage.sampler(RULES, (Notify(webhook=hook.url, secret="key"),))
            await look(stage, sampler)
            assert hook.got == []
            await stage.enqueue(3)
            for _ in range(3):
                await look(stage, sampler)
            await empty(stage)
            for _ in range(3):
                await look(stage, sampler)
        assert hook.events == ["firing", "resolved"]
        first = hook.notices[0]
        assert (first["rule"], first["severity"], first["value"], first["threshold"]) == (RULE, "high_priority", 3, 2)
        assert first["text"] == f"{RULE}: queue_length is 3 (high_priority)"
        assert "over after 30 s" in hook.notices[1]["text"]
        headers, body = hook.got[0]
        assert headers["X-Queuemgr-Signature"] == signature("key", body)
        assert headers["Content-Type"] == "application/json"

    staged(tmp_path, scene)


def test_of_several_managers_one_tells(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with receiver() as hook:
            samplers = [stage.sampler(RULES, (Notify(webhook=hook.url),)) for _ in range(3)]
            await stage.enqueue(3)
            for _ in range(4):
                await look(stage, *samplers)
        assert hook.events == ["firing"]

    staged(tmp_path, scene)


def test_a_manager_that_tells_nobody_leaves_it_to_one_that_does(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with receiver() as hook:
            judging, telling = stage.sampler(RULES), stage.sampler(None, (Notify(webhook=hook.url),))
            await stage.enqueue(3)
            await look(stage, judging)
            await look(stage, telling)
        assert hook.events == ["firing"]

    staged(tmp_path, scene)


def test_an_alert_with_a_duration_is_told_after_it(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with receiver() as hook:
            sampler = stage.sampler({RULE: AlertWish(lasting="1m")}, (Notify(webhook=hook.url),))
            await stage.enqueue(3)
            for _ in range(6):
                await look(stage, sampler)
            assert hook.got == []
            await look(stage, sampler)
        assert hook.events == ["firing"]

    staged(tmp_path, scene)


def test_a_receiver_that_fails_for_a_moment_is_tried_again_after_pauses(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with receiver(503, 429) as hook:
            sampler = stage.sampler(RULES, (Notify(webhook=hook.url),))
            await stage.enqueue(3)
            await look(stage, sampler)
        assert hook.events == ["firing"] * 3
        assert stage.pauses == list(PAUSES)
        assert len({notice["id"] for notice in hook.notices}) == 1
        (delivery,) = (await list_alerts(stage.client))["deliveries"]
        assert delivery["error"] is None

    staged(tmp_path, scene)


@pytest.mark.parametrize(
    ("codes", "tries", "told"),
    [
        ((404,), 1, "it answered 404"),
        ((500, 500, 500), 3, "it answered 500"),
        ((302,), 1, "redirects are not followed"),
    ],
)
def test_a_receiver_that_refuses_is_shown_with_the_reason(
    tmp_path: Path, codes: tuple[int, ...], tries: int, told: str
) -> None:
    async def scene(stage: Stage) -> None:
        with receiver(*codes, location="http://127.0.0.1:1/") as hook:
            sampler = stage.sampler(RULES, (Notify(webhook=hook.url),))
            await stage.enqueue(3)
            await look(stage, sampler)
        assert len(hook.got) == tries
        (delivery,) = (await list_alerts(stage.client))["deliveries"]
        assert told in delivery["error"]

    staged(tmp_path, scene)


def test_what_could_not_be_told_is_told_later_by_whoever_is_there_then(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with receiver(404) as hook:
            notify = (Notify(webhook=hook.url),)
            await stage.enqueue(3)
            await look(stage, stage.sampler(RULES, notify))
            other = stage.sampler(None, notify)
            await look(stage, other)
            assert hook.events == ["firing"]
            await look(stage, other, seconds=CLAIM)
        assert hook.events == ["firing"] * 2

    staged(tmp_path, scene)


def test_what_nobody_heard_of_is_not_told_to_be_over(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with receiver(404) as hook:
            sampler = stage.sampler(RULES, (Notify(webhook=hook.url),))
            await stage.enqueue(3)
            await look(stage, sampler)
            await empty(stage)
            await look(stage, sampler)
        assert hook.events == ["firing"]

    staged(tmp_path, scene)


def test_a_silence_holds_an_alert_back_until_it_ends(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with receiver() as hook:
            sampler = stage.sampler(RULES, (Notify(webhook=hook.url),))
            await look(stage, sampler)
            await silence_alert(stage.client, RULE, 60, "we know", "ann")
            await stage.enqueue(3)
            for _ in range(5):
                await look(stage, sampler)
            told = await list_alerts(stage.client)
            assert (hook.got, told["firing"]) == ([], 1)
            assert told["silences"][0]["who"] == "ann"
            assert told["alerts"][0]["silenced_until"] == told["silences"][0]["until"]
            await look(stage, sampler, seconds=20)
        assert hook.events == ["firing"]

    staged(tmp_path, scene)


def test_a_silence_can_be_ended_before_its_time(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with receiver() as hook:
            sampler = stage.sampler(RULES, (Notify(webhook=hook.url),))
            await stage.enqueue(3)
            await silence_alert(stage.client, "*", 3600)
            await look(stage, sampler)
            await silence_alert(stage.client, "*", 0)
            await look(stage, sampler)
        assert hook.events == ["firing"]
        assert (await list_alerts(stage.client))["silences"] == []

    staged(tmp_path, scene)


def test_severities_choose_who_is_told(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with receiver() as hook, receiver() as other:
            notify = (
                Notify(webhook=hook.url, severities=("high_priority",)),
                Notify(webhook=other.url, severities=("low",)),
            )
            await stage.enqueue(3)
            await look(stage, stage.sampler(RULES, notify))
        assert (hook.events, other.events) == (["firing"], [])

    staged(tmp_path, scene)


def test_a_rule_that_left_the_configuration_is_gone_and_one_that_was_added_stays(tmp_path: Path) -> None:
    from queuemgr.service.operations.alerts import add_alert

    async def scene(stage: Stage) -> None:
        await add_alert(stage.client, "dead > 5")
        await stage.sampler(RULES).tick()
        sampler = stage.sampler({"dead > 9": "low"})
        await sampler.tick()
        assert [rule["rule"] for rule in (await list_alerts(stage.client))["rules"]] == ["dead > 5", "dead > 9"]
        sampler.configure(None, ())
        await look(stage, sampler)
        await remove_alert(stage.client, "dead > 5")
        assert [rule["rule"] for rule in (await list_alerts(stage.client))["rules"]] == ["dead > 9"]

    staged(tmp_path, scene)


class Mailbox:
    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append(envelope.content)
        return "250 OK"


@asynccontextmanager
async def mail_server(**settings: Any) -> AsyncIterator[tuple[Mailbox, int]]:
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box, **settings), "127.0.0.1", 0)
    async with server:
        yield box, server.sockets[0].getsockname()[1]


def only_ann(_server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
    return AuthResult(success=(login.login, login.password) == (b"ann", b"pass:word"), handled=False)


def test_mail_is_sent_to_all_addresses(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        async with mail_server() as (box, port):
            server = f"smtp://127.0.0.1:{port}"
            notify = (Notify(email=("ann@example.org", "bob@example.org"), server=server, sender="q@example.org"),)
            await stage.enqueue(3)
            await look(stage, stage.sampler(RULES, notify))
        assert (await list_alerts(stage.client))["deliveries"][0]["error"] is None
        message = message_from_bytes(box.got[0], policy=policy.default)
        assert message["Subject"].strip() == f"[queuemgr] firing: {RULE}: queue_length is 3 (high_priority)"
        assert (message["To"], message["From"]) == ("ann@example.org, bob@example.org", "q@example.org")
        body = message.get_body()
        assert body is not None
        assert f"{RULE}: queue_length is 3" in body.get_content()

    staged(tmp_path, scene)


@pytest.mark.parametrize(
    ("login", "error"), [("ann:pass%3Aword", None), ("ann:wrong", "did not accept user and password")]
)
def test_mail_servers_that_want_a_login_get_it(tmp_path: Path, login: str, error: str | None) -> None:
    async def scene(stage: Stage) -> None:
        secured = mail_server(authenticator=only_ann, auth_required=True, auth_require_tls=False)
        async with secured as (box, port):
            notify = (Notify(email=("ann@example.org",), server=f"smtp://{login}@127.0.0.1:{port}"),)
            await stage.enqueue(3)
            await look(stage, stage.sampler(RULES, notify))
        told = (await list_alerts(stage.client))["deliveries"][0]["error"]
        assert len(box.got) == (error is None)
        assert told is None if error is None else error in told

    staged(tmp_path, scene)


def test_a_mail_server_that_is_not_there_is_shown(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        notify = (Notify(email=("ann@example.org",), server="smtp://127.0.0.1:1", timeout=2),)
        await stage.enqueue(3)
        await look(stage, stage.sampler(RULES, notify))
        assert "the mail server did not take it" in (await list_alerts(stage.client))["deliveries"][0]["error"]

    staged(tmp_path, scene)


def test_a_command_gets_the_alert_as_json_on_its_input_and_its_words_as_they_are(tmp_path: Path) -> None:
    out = tmp_path / "out $(touch oops)"
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"

    async def scene(stage: Stage) -> None:
        await stage.enqueue(3)
        await look(stage, stage.sampler(RULES, (Notify(command=(sys.executable, "-c", code, str(out))),)))
        notice = json.loads(out.read_text())
        assert (notice["event"], notice["rule"]) == ("firing", RULE)
        assert not (tmp_path / "oops").exists()

    staged(tmp_path, scene)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("/no/such/program",), "it cannot be started: No such file"),
        ((sys.executable, "-c", "import sys; sys.exit('no paper')"), "it ended with code 1: no paper"),
    ],
)
def test_a_command_that_fails_is_shown_with_its_words(tmp_path: Path, command: tuple[str, ...], told: str) -> None:
    async def scene(stage: Stage) -> None:
        await stage.enqueue(3)
        await look(stage, stage.sampler(RULES, (Notify(command=command),)))
        assert told in (await list_alerts(stage.client))["deliveries"][0]["error"]

    staged(tmp_path, scene)


@pytest.mark.crash
def test_a_command_that_hangs_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )

    async def scene(stage: Stage) -> None:
        command = (sys.executable, "-c", code, str(told))
        await stage.enqueue(3)
        await look(stage, stage.sampler(RULES, (Notify(command=command, timeout=0.5),)))
        assert "it was stopped after 0.5 s" in (await list_alerts(stage.client))["deliveries"][0]["error"]
        until(lambda: not lives(int(told.read_text())))

    staged(tmp_path, scene)


def test_a_manager_that_ends_does_not_wait_for_a_receiver_that_hangs(tmp_path: Path) -> None:
    import socket

    async def scene(stage: Stage) -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            notify = (Notify(webhook=f"http://127.0.0.1:{deaf.getsockname()[1]}/", timeout=30),)
            sampler = stage.sampler(RULES, notify)
            await stage.enqueue(3)
            stage.clock.advance(10)
            await sampler.tick()
            connection, _ = await asyncio.to_thread(deaf.accept)
            await asyncio.wait_for(sampler.close(), 5)
            connection.close()

    staged(tmp_path, scene)
