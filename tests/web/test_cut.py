"""Changes of many jobs that are cut off: by a proxy without patience, by whoever asked, and by the server's end."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from queuemgr.clock import SystemClock
from queuemgr.job import State
from queuemgr.service.web import changes
from queuemgr.service.web.bridge import Bridge
from queuemgr.service.web.config import WebConfig
from queuemgr.stores.sqlite.store import SqliteStore
from tests.servers.proxy import Proxy
from tests.web.cutting import MANY, fill, number, wait
from tests.web.rig import Asked, Server

PATIENCE = 0.3
KEY = "k-1"
HOLD = {"verb": "hold", "query": {"queue": "q"}}
AGAIN = "ask for it once more to have the rest changed"


@pytest.fixture
def proxy(proxy: Proxy) -> Proxy:
    proxy.patience = PATIENCE
    return proxy


def through(proxy: Proxy, path: str = "change-matching", body: Any = None, method: str = "", **headers: str) -> Any:
    """Status and answer."""
    url = f"http://127.0.0.1:{proxy.port}/api/v1/{path}"
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, sent, method=method or None)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text.startswith(b"{") else text.decode()


def audited(server: Server) -> list[Any]:
    entries: list[Any] = json.loads(server.ask("GET", "/api/v1/audit").data)["entries"]
    return entries


def test_a_change_that_a_proxy_cuts_goes_on_and_its_key_tells_how_it_ended(
    slow: Server, proxy: Proxy, url: str, tmp_path: Path
) -> None:
    assert through(proxy, body=HOLD, idempotency_key=KEY) == (504, "too late")
    status, told = through(proxy, f"changes/{KEY}")
    assert (status, told["ended"], told["status"], told["answer"]) == (200, False, None, None)
    assert 0 < number(url, State.HELD) < MANY
    assert through(proxy, "count?verb=hold&queue=q")[1]["matched"] == MANY - number(url, State.HELD)
    (tmp_path / "go").touch()
    told = wait(lambda: (found := through(proxy, f"changes/{KEY}")[1])["ended"] and found)
    assert (told["status"], told["answer"]) == (200, {"verb": "hold", "changed": MANY})
    assert told["began_at"] <= told["at"]
    assert number(url, State.HELD) == MANY


def test_the_same_request_with_its_key_is_begun_once_however_often_it_is_cut(
    slow: Server, proxy: Proxy, tmp_path: Path
) -> None:
    for _ in range(3):
        assert through(proxy, body=HOLD, idempotency_key=KEY)[0] == 504
    proxy.patience = None
    threading.Timer(0.1, (tmp_path / "go").touch).start()
    assert through(proxy, body=HOLD, idempotency_key=KEY) == (200, {"verb": "hold", "changed": MANY})
    assert through(proxy, body=HOLD, idempotency_key=KEY) == (200, {"verb": "hold", "changed": MANY})
    assert [one["outcome"].get("changed") for one in audited(slow)] == [MANY]


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("change-matching", "POST", HOLD),
        ("jobs/priority", "PUT", {"query": {"queue": "q"}, "priority": 7}),
        ("queues/drain", "POST", {"names": ["q"]}),
    ],
)
def test_what_a_proxy_sends_anew_without_a_key_is_not_begun_again(
    slow: Server, proxy: Proxy, tmp_path: Path, config: WebConfig, path: str, method: str, body: Any
) -> None:
    assert through(proxy, path, body, method)[0] == 504
    assert through(proxy, path, body, method)[0] == 504
    proxy.patience = None
    threading.Timer(0.1, (tmp_path / "go").touch).start()
    status, told = through(proxy, path, body, method)
    assert (status, told["changed"]) == (200, MANY)
    slow.process.send_signal(signal.SIGTERM)
    slow.process.wait(20)  # by then any other one has ended, too
    bridge = Bridge(config)
    entries = Asked(bridge)("GET", "/api/v1/audit").json["entries"]
    assert [one["outcome"].get("changed") for one in entries] == [MANY]
    bridge.close()


def test_whoever_still_waits_shares_his_change_with_nobody(slow: Server, proxy: Proxy, tmp_path: Path) -> None:
    proxy.patience = None
    answers: list[Any] = []
    askers = [threading.Thread(target=lambda: answers.append(through(proxy, body=HOLD))) for _ in range(2)]
    for turn, asker in enumerate(askers, 1):
        asker.start()
        wait(lambda turn=turn: (tmp_path / "begun").exists() and (tmp_path / "begun").stat().st_size == turn)
    (tmp_path / "go").touch()
    for asker in askers:
        asker.join()
    assert [status for status, _ in answers] == [200, 200]
    assert sum(told["changed"] for _, told in answers) == MANY
    assert len(audited(slow)) == 2


def test_a_change_that_the_servers_end_cuts_off_is_told_to_whoever_waits_and_to_whoever_comes_later(
    slow: Server, proxy: Proxy, url: str, config: WebConfig
) -> None:
    proxy.patience = None
    answers: list[Any] = []
    asker = threading.Thread(target=lambda: answers.append(through(proxy, body=HOLD, idempotency_key=KEY)))
    asker.start()
    wait(lambda: number(url, State.HELD))
    began = time.monotonic()
    slow.process.send_signal(signal.SIGTERM)
    slow.process.wait(20)
    assert time.monotonic() - began < 8
    asker.join()
    [(status, told)] = answers
    left = number(url, State.READY)
    assert (status, told["type"], told["hint"]) == (503, "urn:queuemgr:cut-off", AGAIN)
    assert told["detail"].endswith(f"what is changed stays changed, jobs left: {left:,}")
    assert number(url, State.HELD) == MANY - left
    assert "Traceback" not in slow.log
    bridge = Bridge(config)
    later = Asked(bridge)
    shown = later("GET", f"/api/v1/changes/{KEY}").json
    assert (shown["ended"], shown["status"], shown["answer"]) == (True, 503, told)
    again = later("POST", "/api/v1/change-matching", HOLD, idempotency_key=KEY)
    assert (again.status, again.json, again.headers["idempotency-replayed"]) == (503, told, "true")
    [entry] = later("GET", "/api/v1/audit").json["entries"]
    assert (entry["outcome"]["error"], entry["outcome"]["message"]) == ("CutOff", told["detail"])
    assert later("POST", "/api/v1/change-matching", HOLD, idempotency_key="k-2").json["changed"] == left
    bridge.close()


def test_a_change_that_ends_within_the_patience_of_the_stop_is_carried_through(
    slow: Server, proxy: Proxy, url: str, tmp_path: Path
) -> None:
    assert through(proxy, body=HOLD)[0] == 504
    slow.process.send_signal(signal.SIGTERM)
    (tmp_path / "go").touch()
    slow.process.wait(20)
    assert number(url, State.HELD) == MANY


def test_a_change_whose_server_is_killed_is_told_once_nothing_is_heard_of_it(
    slow: Server, proxy: Proxy, url: str, config: WebConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert through(proxy, body=HOLD, idempotency_key=KEY)[0] == 504
    slow.process.kill()
    slow.process.wait(20)
    bridge = Bridge(config)
    later = Asked(bridge)
    assert later("GET", f"/api/v1/changes/{KEY}").json["ended"] is False
    monkeypatch.setattr(changes, "SILENT", 0.0)
    told = later("GET", f"/api/v1/changes/{KEY}").json
    assert (told["ended"], told["status"], told["answer"]["type"]) == (True, 503, "urn:queuemgr:cut-off")
    assert later("POST", "/api/v1/change-matching", HOLD, idempotency_key=KEY).status == 503
    bridge.close()


def test_another_process_hears_that_a_change_is_under_way_and_waits_for_its_end(
    slow: Server, proxy: Proxy, config: WebConfig, tmp_path: Path
) -> None:
    assert through(proxy, body=HOLD, idempotency_key=KEY)[0] == 504
    bridge = Bridge(config)
    other = Asked(bridge)
    assert other("GET", f"/api/v1/changes/{KEY}").json["ended"] is False
    threading.Timer(0.1, (tmp_path / "go").touch).start()
    again = other("POST", "/api/v1/change-matching", HOLD, idempotency_key=KEY)
    assert (again.json, again.headers["idempotency-replayed"]) == ({"verb": "hold", "changed": MANY}, "true")
    bridge.close()


def test_a_change_says_again_and_again_that_it_is_under_way(
    asked: Asked, url: str, config: WebConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(url, 1)
    monkeypatch.setattr(changes, "BEAT", 0.05)
    go, told, later = threading.Event(), changes.Changes._put, 0.0
    monkeypatch.setattr(SystemClock, "now", lambda _: time.time() + later)

    async def late(self: changes.Changes, place: str, ended: changes.Ended) -> None:
        while not go.is_set():
            await asyncio.sleep(0.01)
        await told(self, place, ended)

    monkeypatch.setattr(changes.Changes, "_put", late)
    asker = threading.Thread(target=lambda: asked("POST", "/api/v1/change-matching", HOLD, idempotency_key=KEY))
    asker.start()
    bridge = Bridge(config)
    other = Asked(bridge)
    wait(lambda: other("GET", f"/api/v1/changes/{KEY}").status == 200)
    for _ in range(2):
        later += 10 * changes.SILENT  # what has said nothing since then has ended
        wait(lambda: other("GET", f"/api/v1/changes/{KEY}").json["ended"] is False)
    go.set()
    asker.join()
    assert other("GET", f"/api/v1/changes/{KEY}").json["ended"] is True
    bridge.close()


def test_a_change_goes_on_where_the_framework_cancels_whoever_asked(
    asked: Asked, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(url, 1)
    begun, go, change = threading.Event(), threading.Event(), SqliteStore.change

    async def late(self: SqliteStore, verb: str, query: Any) -> int:
        begun.set()
        await asyncio.to_thread(go.wait, 20)
        return await change(self, verb, query)

    monkeypatch.setattr(SqliteStore, "change", late)

    async def leave() -> None:
        headers = {"idempotency-key": KEY}
        request = asked.request("POST", "/api/v1/change-matching", HOLD, "", headers)
        asking = asyncio.create_task(asked.bridge.aanswer(request))
        assert await asyncio.to_thread(begun.wait, 20)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(leave())
    assert asked("GET", f"/api/v1/changes/{KEY}").json["ended"] is False
    go.set()
    told = wait(lambda: (found := asked("GET", f"/api/v1/changes/{KEY}").json)["ended"] and found)
    assert told["answer"] == {"verb": "hold", "changed": 1}
    assert asked("GET", "/api/v1/audit").json["entries"][0]["outcome"]["changed"] == 1


def test_a_refused_change_leaves_its_key_free(asked: Asked, url: str) -> None:
    fill(url, 1)
    wrong = {"verb": "hold", "query": 5}
    assert asked("POST", "/api/v1/change-matching", wrong, idempotency_key=KEY).status in (400, 422)
    assert asked("GET", f"/api/v1/changes/{KEY}").status == 404
    assert asked("POST", "/api/v1/change-matching", HOLD, idempotency_key=KEY).json["changed"] == 1


def test_a_change_that_fails_is_told_so_under_its_key(asked: Asked) -> None:
    body = {"names": ["nowhere"]}
    first = asked("POST", "/api/v1/queues/drain", body, idempotency_key=KEY)
    assert (first.status, first.headers["content-type"]) == (404, "application/problem+json")
    assert asked("GET", f"/api/v1/changes/{KEY}").json["answer"] == first.json
    again = asked("POST", "/api/v1/queues/drain", body, idempotency_key=KEY)
    assert (again.status, again.json, again.headers["content-type"]) == (404, first.json, "application/problem+json")


def test_a_key_is_good_for_one_change(asked: Asked, url: str) -> None:
    fill(url, 1)
    assert asked("POST", "/api/v1/change-matching", HOLD, idempotency_key=KEY).json["changed"] == 1
    other = asked("POST", "/api/v1/change-matching", HOLD | {"verb": "release"}, idempotency_key=KEY)
    assert (other.status, other.json["type"]) == (422, "urn:queuemgr:key-reused")
    assert asked("GET", f"/api/v1/changes/{'k' * 256}").status == 400


def test_a_key_of_a_job_is_no_change(asked: Asked) -> None:
    assert asked("POST", "/api/v1/jobs", {"task": "t.t"}, idempotency_key=KEY).status == 200
    assert asked("GET", f"/api/v1/changes/{KEY}").status == 404
    assert asked("GET", "/api/v1/changes/never").json["hint"] == "nothing was changed for it: send the request"
