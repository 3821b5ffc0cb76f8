"""The page and the API, over HTTP: made from the table of operations, to be served alone or within another program.

What they show is decided elsewhere. Flask, uvicorn and Django are imported where they are needed only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

if TYPE_CHECKING:
    import flask

    from .asgi import AsgiSite
    from .config import WebConfig, WebValues

__all__ = ["create_asgi_app", "create_web_app", "serve"]


def create_web_app(store: str | None = None, app: str | None = None, **settings: Unpack[WebValues]) -> flask.Flask:
    """A Flask with every route of the page and the API; add your own to it, then `serve` it or hand it to any server.

    `store` is a URL and `app` a `module:variable`; without both the environment and the current folder say it.
    `settings` are those of `WebConfig`. Raises ConfigError.
    """
    from .flask_app import make_flask

    return make_flask(config_from(store, app, **settings))


def create_asgi_app(store: str | None = None, app: str | None = None, **settings: Unpack[WebValues]) -> AsgiSite:
    """The same as an ASGI application, alone or mounted below any prefix. Parameters as of `create_web_app`."""
    from .asgi import AsgiSite
    from .opening import Opening

    return AsgiSite(Opening(config_from(store, app, **{"host": None} | settings)))


def serve(web_app: flask.Flask, host: str = "127.0.0.1", port: int = 5000) -> None:
    """Serve what `create_web_app` made until SIGINT or SIGTERM, its streams to any number of viewers.

    Raises ConfigError where others than this machine could reach it and there is no token, NotAllowed where the port
    is taken, NoStore, StoreError.
    """
    from .mixed import serve_flask

    serve_flask(web_app, host, port)


def config_from(store: str | None = None, app: str | None = None, **settings: Any) -> WebConfig:
    """Raises ConfigError for a setting that does not exist."""
    from queuemgr.errors import UnknownOption, did_you_mean
    from queuemgr.service.places import Place

    from .config import WebConfig

    known = WebConfig.__dataclass_fields__.keys() - {"place"}
    for name in settings:
        if name not in known:
            raise UnknownOption(f"the page has no setting {name!r}: {did_you_mean(name, known)}")
    return WebConfig(place=Place(store, app) if store or app else None, **settings)
