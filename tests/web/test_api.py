"""The API as its callers see it: routes of the table, arguments, problems, idempotency, logins and its description."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App
from queuemgr.errors import JobExists, JobNotFound, OperationTimeout, QueuemgrError, StoreUnavailable, UnknownTask
from queuemgr.service.access.tokens import Tokens
from queuemgr.service.failures import Forbidden, Misused, NotFound, TooManyAttempts, Unauthorized
from queuemgr.service.operations.table import OPERATIONS
from queuemgr.service.web import guarding, live
from queuemgr.service.web.bridge import Bridge, Chunks
from queuemgr.service.web.config import WebConfig
from queuemgr.service.web.problems import document_of
from queuemgr.service.web.request import LARGEST
from queuemgr.service.web.routes import Routes
from tests.web.rig import Asked
from tests.worker.rig import drain, run


def test_every_operation_has_a_route_of_its_own() -> None:
    routes = Routes().all
    assert {route.name for route in routes if route.operation} == set(OPERATIONS)
    assert len({(route.method, route.path) for route in routes}) == len(routes)
    for route in routes:
        segments = [part.strip("{}") for part in route.parts]
        assert Routes().find(route.method, segments)[0].path == route.path


def test_a_job_is_enqueued_listed_shown_changed_and_deleted(asked: Asked, job: str) -> None:
    assert [one["id"] for one in asked("GET", "/api/v1/jobs").json["jobs"]] == [job]
    assert asked("GET", f"/api/v1/jobs/{job}").json["arguments"]["positional"] == [1]
    held = asked("POST", "/api/v1/change", {"verb": "hold", "job_ids": [job]}).json
    assert (held["changed"], held["jobs"][0]["state"]) == (1, "held")
    gone = asked("POST", "/api/v1/change-matching", {"verb": "delete", "query": {"states": ["held"]}}).json
    assert gone["changed"] == 1
    assert asked("GET", f"/api/v1/jobs/{job}").status == 404


def test_waiting_jobs_get_another_priority(asked: Asked, job: str) -> None:
    query = {"query": {"ids": [job]}}
    assert asked("GET", "/api/v1/count?verb=prioritise&queue=default").json["matched"] == 1
    assert asked("PUT", "/api/v1/jobs/priority", {**query, "priority": 7}).json == {"priority": 7, "changed": 1}
    assert asked("GET", f"/api/v1/jobs/{job}").json["job"]["priority"] == 7
    elsewhere = {"query": {"queue": "other"}, "priority": 1}
    assert asked("PUT", "/api/v1/jobs/priority", elsewhere).json["changed"] == 0
    for wrong in ({**query, "priority": 10}, {"priority": 1}, {**query, "priority": "high"}):
        assert 400 <= asked("PUT", "/api/v1/jobs/priority", wrong).status < 500
    refused = asked("POST", "/api/v1/change-matching", {"verb": "prioritise", "query": {}})
    assert 400 <= refused.status < 500
    assert asked("GET", f"/api/v1/jobs/{job}").json["job"]["priority"] == 7


def test_a_query_is_flat_in_an_address(asked: Asked, job: str) -> None:
    def found(query: str) -> int:
        answer = asked("GET", f"/api/v1/jobs?{query}")
        assert answer.status == 200, answer.json
        return len(answer.json["jobs"])

    asked("POST", "/api/v1/jobs", {"task": "shop.mail", "options": {"queue": "mail", "delay": 60, "tags": ["x"]}})
    assert found("state=ready&state=scheduled") == 2
    assert found("state=ready&queue=&task=") == 1
    assert found("queue=mail&tag=x") == 1
    assert found(f"id={job}") == 1
    assert found("task=shop.mail&limit=1") == 1
    assert found("created_after=1&created_before=99999999999") == 2
    assert found("created_before=1") == 0


def test_lists_of_any_length_are_read_page_by_page(asked: Asked) -> None:
    for number in range(5):
        asked("POST", "/api/v1/jobs", {"task": f"t.t{number}"})
    seen, after = [], ""
    while after is not None:
        page = asked("GET", f"/api/v1/jobs?limit=2&after={after}").json
        seen += [one["task"] for one in page["jobs"]]
        after = page["after"]
    assert seen == ["t.t4", "t.t3", "t.t2", "t.t1", "t.t0"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("GET", "/api/v1/jobs/no-such-job", None, 404, "job-not-found"),
        ("GET", "/api/v1/nothing", None, 404, "not-found"),
        ("GET", "/no-such-file", None, 404, "not-found"),
        ("PUT", "/api/v1/jobs", None, 405, "method-not-allowed"),
        ("GET", "/api/v1/jobs?state=deaf", None, 422, "validation-error"),
        ("GET", "/api/v1/jobs?limit=many", None, 422, "validation-error"),
        ("GET", "/api/v1/jobs?colour=red", None, 400, "misused"),
        ("GET", "/api/v1/jobs?created_after=soon", None, 422, "validation-error"),
        ("POST", "/api/v1/jobs", {}, 400, "misused"),
        ("POST", "/api/v1/jobs", [1], 400, "misused"),
        ("POST", "/api/v1/jobs", b"{", 400, "misused"),
        ("POST", "/api/v1/jobs", b"[" * 100_000, 400, "misused"),
        ("POST", "/api/v1/queues/pause", {"names": ["nowhere"]}, 404, "not-found"),
        ("POST", "/api/v1/queues/pause", {"names": 5}, 422, "validation-error"),
        ("POST", "/api/v1/change", {"verb": "retry", "job_ids": ["x"], "more": 1}, 400, "misused"),
        ("GET", "/api/v1/service", None, 503, "service-not-running"),
        ("GET", "/api/v1/events", None, 400, "misused"),
        ("GET", "/api/v1/events?topic=jobs.change", None, 400, "misused"),
        ("GET", "/api/v1/events?topic=jobs.list%3Fstate%3Ddeaf", None, 422, "validation-error"),
        ("GET", "/api/v1/events?topic=overview%0Aevent", None, 404, "not-found"),
    ],
)
def test_what_is_wrong_is_told_as_a_problem_document(
    asked: Asked, method: str, path: str, body: Any, status: int, kind: str
) -> None:
    answer = asked(method, path, body, content_type="application/json")
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json
    assert (answer.status, told["status"], told["type"]) == (status, status, f"urn:queuemgr:{kind}")
    assert told["title"]
    assert told["detail"]
    assert "hint" in told


def test_a_method_that_is_not_there_names_those_that_are(asked: Asked) -> None:
    assert asked("PATCH", "/api/v1/jobs").headers["allow"] == "GET, HEAD, POST"


def test_a_body_that_is_no_json_or_too_large_is_refused(asked: Asked) -> None:
    assert asked("POST", "/api/v1/jobs", b"task=x", content_type="text/csv").status == 415
    assert asked("POST", "/api/v1/jobs", b"x" * (LARGEST + 1), content_type="application/json").status == 413


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (JobNotFound("x"), 404),
        (JobExists("k", "x"), 409),
        (UnknownTask("t"), 404),
        (StoreUnavailable("locked"), 503),
        (OperationTimeout("job.wait", 3.0), 504),
        (NotFound("q"), 404),
        (Misused("m"), 400),
        (Forbidden("f"), 403),
        (Unauthorized("u"), 401),
        (TooManyAttempts("t", 3.0), 429),
        (KeyError("a mistake"), 500),
    ],
)
def test_every_error_has_its_status(error: Exception, status: int) -> None:
    assert document_of(error)["status"] == status


def test_every_error_of_the_tree_is_told_with_a_status() -> None:
    def below(kind: type[BaseException]) -> list[type[BaseException]]:
        return [kind, *(one for child in kind.__subclasses__() for one in below(child))]

    for kind in below(QueuemgrError)[1:]:
        assert 400 <= document_of(kind.__new__(kind))["status"] < 600


def test_a_mistake_of_ours_tells_nothing_of_its_inside() -> None:
    assert "secret" not in json.dumps(document_of(RuntimeError("secret")))


def test_the_same_idempotency_key_enqueues_once(asked: Asked) -> None:
    body = {"task": "shop.pack", "arguments": [7]}
    first = asked("POST", "/api/v1/jobs", body, idempotency_key="order-7")
    again = asked("POST", "/api/v1/jobs", body, idempotency_key="order-7")
    assert (first.headers["idempotency-replayed"], again.headers["idempotency-replayed"]) == ("false", "true")
    assert first.json == again.json
    other = asked("POST", "/api/v1/jobs", {"task": "shop.mail"}, idempotency_key="order-7")
    assert other.json["type"] == "urn:queuemgr:key-reused"
    assert len(asked("GET", "/api/v1/jobs").json["jobs"]) == 1


def test_twenty_at_once_with_one_key_enqueue_once(asked: Asked) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: asked("POST", "/api/v1/jobs", {"task": "t.t"}, idempotency_key="k"), range(20))
        )
    assert {answer.json["id"] for answer in answers} == {asked("GET", "/api/v1/jobs").json["jobs"][0]["id"]}
    assert len(asked("GET", "/api/v1/jobs").json["jobs"]) == 1


def test_a_key_of_a_request_that_failed_may_be_used_again(asked: Asked) -> None:
    def ask(priority: int) -> int:
        body = {"task": "t.t", "options": {"priority": priority}}
        return asked("POST", "/api/v1/jobs", body, idempotency_key="k").status

    assert ask(99) == 400
    assert ask(5) == 200


def test_a_key_remembers_its_job_after_that_was_deleted(asked: Asked) -> None:
    made = asked("POST", "/api/v1/jobs", {"task": "t.t"}, idempotency_key="k").json["id"]
    asked("POST", "/api/v1/change", {"verb": "delete", "job_ids": [made]})
    assert asked("POST", "/api/v1/jobs", {"task": "t.t"}, idempotency_key="k").json["id"] == made
    assert asked("GET", "/api/v1/jobs").json["jobs"] == []


@pytest.fixture
def guarded(config: WebConfig, tmp_path: Path) -> Any:
    """A site that nobody enters without a token, and tokens by their scopes."""
    tokens = Tokens(tmp_path / "tokens.json")
    secrets = {scope: tokens.add(f"ann-{scope}", scope)[1] for scope in ("read", "operate", "administer")}
    bridge = Bridge(replace(config, always_token=True))
    yield Asked(bridge), secrets
    bridge.close()


def test_a_token_opens_the_api_as_far_as_its_scope_goes(guarded: Any) -> None:
    asked, secrets = guarded
    refused = asked("GET", "/api/v1/jobs")
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")

    def status(scope: str, method: str, path: str, body: Any = None) -> int:
        answered: int = asked(method, path, body, authorization=f"Bearer {secrets[scope]}").status
        return answered

    assert status("read", "GET", "/api/v1/jobs") == 200
    assert status("read", "POST", "/api/v1/jobs", {"task": "t.t"}) == 403
    assert status("operate", "POST", "/api/v1/jobs", {"task": "t.t"}) == 200
    assert status("operate", "POST", "/api/v1/store/prune") == 403
    assert status("administer", "POST", "/api/v1/store/prune") == 200


def test_a_login_gives_a_cookie_and_a_logout_takes_it(guarded: Any) -> None:
    asked, secrets = guarded
    assert asked("POST", "/api/v1/login", {"token": "wrong"}).status == 401
    answer = asked("POST", "/api/v1/login", {"token": secrets["operate"]})
    assert answer.json | {"via": "web"} == {
        "name": "ann-operate",
        "scope": "operate",
        "read_only": False,
        "via": "web",
    }
    given = answer.headers["set-cookie"]
    assert "HttpOnly" in given
    assert "SameSite=Strict" in given
    cookie = given.partition(";")[0]
    assert asked("GET", "/api/v1/me", cookie=cookie).json["name"] == "ann-operate"
    asked("POST", "/api/v1/logout", cookie=cookie)
    assert asked("GET", "/api/v1/me", cookie=cookie).status == 401


def test_a_stream_ends_when_its_token_is_removed(guarded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "LOOK_AGAIN", 0.0)
    monkeypatch.setattr(live, "COMMENT", 0.05)
    asked, secrets = guarded
    request = asked.request(
        "GET", "/api/v1/events?topic=overview", None, "", {"authorization": f"Bearer {secrets['read']}"}
    )
    chunks = Chunks(asked.bridge, asked.bridge.answer(request).body)
    assert next(chunks).startswith(b"retry")
    while not next(chunks).startswith(b"id"):
        pass
    Tokens(tmp_path / "tokens.json").remove("ann-read")
    assert b"".join(chunks).replace(live.ALIVE, b"").count(b"id") <= 1
    chunks.close()


def test_the_page_itself_and_health_need_no_token(guarded: Any) -> None:
    asked, _ = guarded
    assert asked("GET", "/").status == 200
    assert asked("GET", "/healthz", host="10.0.0.7").status == 200
    assert asked("GET", "/readyz").json["ready"] is True
    assert asked("GET", "/metrics").status == 401


def test_a_store_whose_file_was_taken_away_is_not_ready(asked: Asked, tmp_path: Path) -> None:
    assert asked("GET", "/readyz").status == 200
    (tmp_path / "jobs.db").rename(tmp_path / "kept.db")
    answer = asked("GET", "/readyz")
    assert (answer.status, answer.json["ready"]) == (503, False)
    assert "was taken away while it was open" in answer.json["checks"][0]["detail"]
    assert asked("GET", "/healthz").status == 200


@pytest.mark.parametrize("becomes", ["was taken away", "was replaced by another"])
def test_a_store_whose_file_is_another_or_gone_takes_and_shows_nothing(
    asked: Asked, tmp_path: Path, job: str, becomes: str
) -> None:
    path, kept = tmp_path / "jobs.db", tmp_path / "kept.db"
    path.rename(kept)
    if becomes == "was replaced by another":
        path.write_bytes(kept.read_bytes())
    for answer in (asked("POST", "/api/v1/jobs", {"task": "shop.pack"}), asked("GET", "/api/v1/overview")):
        assert (answer.status, answer.json["type"]) == (503, "urn:queuemgr:store-unavailable")
        assert becomes in answer.json["detail"]
    kept.rename(path)
    assert [one["id"] for one in asked("GET", "/api/v1/jobs").json["jobs"]] == [job]


def test_what_failed_last_is_told_first_whenever_it_was_enqueued(asked: Asked, url: str) -> None:
    app = App(url)

    @app.task(name="t.fails", attempts=1)
    def fails() -> None:
        raise ValueError("no")

    old, new = fails.using(held=True).enqueue(), fails.enqueue()
    run(lambda: drain(app))
    old.release()
    run(lambda: drain(app))
    app.close()
    assert [one["id"] for one in asked("GET", "/api/v1/overview").json["failed"]] == [old.id, new.id]


def test_an_address_says_each_thing_once_and_in_numbers_that_are_some(asked: Asked, job: str) -> None:
    twice = asked("GET", "/api/v1/jobs?queue=mail&queue=default")
    assert (twice.status, twice.json["detail"]) == (400, "jobs.list takes 'queue' once, not 2 times")
    assert asked("GET", "/api/v1/jobs?limit=1&limit=2").status == 400
    assert asked("GET", "/api/v1/jobs?state=ready&state=dead").json["jobs"][0]["id"] == job
    for moment in ("nan", "inf", "1e400"):
        assert asked("GET", f"/api/v1/jobs?created_before={moment}").status == 422


def test_a_mistake_in_a_job_is_told_in_the_words_of_the_body(asked: Asked) -> None:
    detail = asked("POST", "/api/v1/jobs", {"task": "shop.pack", "argument": [1]}).json["detail"]
    assert detail == "jobs.enqueue takes no argument 'argument': did you mean 'arguments'?"


def test_foreign_pages_and_foreign_names_are_refused(asked: Asked) -> None:
    assert asked("POST", "/api/v1/store/prune", {}, sec_fetch_site="cross-site").status == 403
    assert asked("GET", "/api/v1/jobs", host="evil.example").status == 403
    assert asked("GET", "/", host="evil.example").status == 403


def test_a_read_only_page_changes_nothing(config: WebConfig) -> None:
    bridge = Bridge(replace(config, read_only=True))
    asked = Asked(bridge)
    try:
        assert asked("POST", "/api/v1/jobs", {"task": "t.t"}).status == 403
        assert asked("GET", "/api/v1/jobs").status == 200
        assert asked("GET", "/api/v1/me").json["read_only"] is True
    finally:
        bridge.close()


def test_changes_are_written_down_with_who_asked_also_where_they_failed(asked: Asked, job: str) -> None:
    asked("POST", "/api/v1/queues/pause", {"names": ["nowhere"]})
    found = asked("GET", "/api/v1/audit").json["entries"]
    assert [(one["operation"], one["outcome"]["ok"]) for one in found] == [
        ("queues.pause", False),
        ("jobs.enqueue", True),
    ]
    assert found[0]["who"] == "local"


def test_a_long_answer_is_compressed_where_that_is_understood(asked: Asked) -> None:
    plain = asked("GET", "/api/v1/openapi.json")
    assert "content-encoding" not in plain.headers
    packed = asked("GET", "/api/v1/openapi.json", accept_encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "content-encoding" not in asked("GET", "/api/v1/me", accept_encoding="gzip").headers


def test_metrics_are_in_the_form_that_prometheus_reads(asked: Asked, job: str) -> None:
    answer = asked("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert b"# TYPE queuemgr_" in answer.data


def test_the_description_has_every_route_with_typed_parameters_and_answers(asked: Asked) -> None:
    told = asked("GET", "/api/v1/openapi.json", prefix="/ops").json
    assert told["openapi"] == "3.1.0"
    assert told["servers"] == [{"url": "/ops"}]
    for route in Routes().all:
        assert route.method.lower() in told["paths"][route.path]
    listing = told["paths"]["/api/v1/jobs"]["get"]
    parameters = {one["name"]: one["schema"] for one in listing["parameters"]}
    assert parameters["limit"]["type"] == "integer"
    assert parameters["state"]["items"]["enum"][0] == "scheduled"
    answer = listing["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/JobPage"}
    page = told["components"]["schemas"]["JobPage"]["properties"]
    assert page["jobs"]["items"] == {"$ref": "#/components/schemas/JobFacts"}
    assert page["at"] == {"type": "number", "description": "seconds since 1970"}
    ids = [one["operationId"] for path in told["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids))
