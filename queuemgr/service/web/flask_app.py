"""The page and the API as a flask.Flask, to which a program adds routes of its own. It listens nowhere."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from queuemgr.errors import ConfigError
from queuemgr.service.access.headers import joined

from .asgi import FOR_AGENTS
from .bridge import Bridge, Chunks
from .request import LARGEST, Request
from .routes import Routes

if TYPE_CHECKING:
    import flask

    from .config import WebConfig

EXTENSION = "queuemgr"
ENDPOINT = "queuemgr."
"""How the names of our own routes begin in Flask."""

LAST = "queuemgr_page"
"""The page and its files, which every route of the program goes before, also one at `/`."""

AGENTS = "queuemgr_agents"
"""Where agents are answered, behind the program's own routes, too."""


def make_flask(config: WebConfig) -> flask.Flask:
    """Every route is registered; nothing is opened before the first request. Raises ConfigError without Flask."""
    flask_module = _flask()
    app: flask.Flask = flask_module.Flask("queuemgr", static_folder=None)
    app.extensions[EXTENSION] = bridge = Bridge(config)

    def view(**_parameters: str) -> Any:
        return _answered(bridge)

    methods: dict[str, list[str]] = defaultdict(list)
    for route in Routes().all:
        methods[route.path].append(route.method)
    for path, allowed in methods.items():
        app.add_url_rule(
            _rule(path), f"{ENDPOINT}{_name(path)}", view, methods=allowed, provide_automatic_options=False
        )
    app.url_map.converters |= {LAST: _converter(".*?", 10_000), AGENTS: _converter(FOR_AGENTS[1:], 9_999)}
    app.add_url_rule(f"/<{LAST}:file>", f"{ENDPOINT}page", view)
    app.add_url_rule(f"/<{AGENTS}:path>", f"{ENDPOINT}agents", view, methods=["GET", "POST", "DELETE"])
    return app


def _flask() -> Any:
    try:
        import flask
    except ImportError as error:
        raise ConfigError("create_web_app needs Flask: pip install flask") from error
    return flask


def _converter(matched: str, place: int) -> Any:
    """Of whole paths; those with a larger `place` are tried later."""
    from werkzeug.routing import BaseConverter

    class Last(BaseConverter):
        regex = matched
        part_isolating = False
        weight = place

    return Last


def _rule(path: str) -> str:
    return path.replace("{", "<").replace("}", ">")


def _name(path: str) -> str:
    # A dot would make Flask look for a blueprint.
    return path.strip("/").replace(".", "_")


def _answered(bridge: Bridge) -> Any:
    flask = _flask()
    response = bridge.answer(_request_of(flask.request))
    body = response.body if isinstance(response.body, bytes) else Chunks(bridge, response.body)
    answer = flask.Response(body, status=response.status)
    answer.headers.clear()
    for name, value in response.headers:
        answer.headers.add(name, value)
    if isinstance(body, bytes) and response.status not in (204, 304):
        answer.headers["content-length"] = str(len(body))
    return answer


def _request_of(request: flask.Request) -> Request:
    environment = request.environ
    prefix = environment.get("SCRIPT_NAME", "").rstrip("/")
    return Request(
        method=request.method,
        path=_path_of(environment, prefix),
        query=environment.get("QUERY_STRING", ""),
        headers=joined(request.headers),
        body=request.stream.read(LARGEST + 1),
        address=request.remote_addr,
        scheme=request.scheme,
        version=environment.get("SERVER_PROTOCOL", "").removeprefix("HTTP/"),
        prefix=prefix,
    )


def _path_of(environment: dict[str, Any], prefix: str) -> str:
    """Percent-encoded where the server tells it so, else encoded anew."""
    from urllib.parse import quote

    for name in ("RAW_URI", "REQUEST_URI"):
        raw = str(environment.get(name, "")).partition("?")[0]
        if raw.startswith(f"{prefix}/"):
            return raw[len(prefix) :]
    return quote(environment.get("PATH_INFO", "").encode("latin-1"))
