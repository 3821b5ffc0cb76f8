"""A Flask application whose own routes are answered by Flask in threads, and ours natively. It makes neither."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException

from .asgi import AsgiSite
from .flask_app import ENDPOINT, EXTENSION
from .serving import serve
from .threaded import Threaded

if TYPE_CHECKING:
    import flask

    from .asgi import Receive, Scope, Send
    from .config import WebConfig
    from .opening import Opening

THREADS = 16
THREADS_FOR_ALL = 128
"""Where streams need a thread each, too."""


def serve_flask(app: flask.Flask, host: str, port: int) -> None:
    """Raises as `serving.serve`."""
    config: WebConfig = replace(app.extensions[EXTENSION].config, host=host, port=port)
    serve(config, _tell, partial(Mixed, app))


def _tell(url: str) -> None:
    sys.stdout.write(f"the page is at {url}  (Ctrl-C ends it)\n")
    sys.stdout.flush()


class Mixed:
    """Whoever has the route in Flask's own map answers; what is in nobody's map is ours to refuse.

    Where the program stands around each request of its own, everything goes through Flask: it may be guarded so.
    """

    def __init__(self, app: flask.Flask, opening: Opening) -> None:
        self._app = app
        self._native = AsgiSite(opening)
        self._guarded = _is_guarded(app)
        self._flask = Threaded(app.wsgi_app, THREADS_FOR_ALL if self._guarded else THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        theirs = scope["type"] == "http" and (self._guarded or self._is_theirs(scope))
        await (self._flask if theirs else self._native)(scope, receive, send)

    def stop(self) -> None:
        """End all streams, here and in Flask's threads."""
        self._native.stop()
        self._app.extensions[EXTENSION].close()

    def _is_theirs(self, scope: Scope) -> bool:
        try:
            rule, _ = self._app.url_map.bind("").match(scope["path"], scope["method"], return_rule=True)
        except HTTPException as error:
            return error.code is not None and error.code < 400
        return not rule.endpoint.startswith(ENDPOINT)


def _is_guarded(app: flask.Flask) -> bool:
    """Whether something is done before or after each request, or is wrapped around the application itself."""
    around = (app.before_request_funcs, app.after_request_funcs, app.url_value_preprocessors)
    return any(around) or "wsgi_app" in vars(app)
