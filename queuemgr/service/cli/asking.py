"""What the verbs about the service share: the options that say which one, and the way to it. It starts no service."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from queuemgr.service.failures import Misused, NotFound
from queuemgr.service.places import Place

from . import session
from .showing import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.service.daemon.configuration import Value

_OPTIONS = (
    click.option("--proc-dir", metavar="DIR", help="The folder of the service's socket."),
    click.option("-c", "--config", metavar="FILE", help="config.py or a TOML file."),
    click.option("--json", "as_json", is_flag=True, help="Answer as JSON."),
)


@dataclass(slots=True)
class Asking:
    """One call of a verb: which service it is about, and how it answers."""

    proc_dir: str | None
    config: str | None
    as_json: bool

    @property
    def output(self) -> Output:
        named = (("--proc-dir", self.proc_dir), ("--config", self.config))
        words = tuple(word for option, value in named if value for word in (option, value))
        return Output(as_json=self.as_json, place=Place(named=words))

    @property
    def folder(self) -> str:
        """Raises ConfigError."""
        from queuemgr.service.daemon.finding import find_service

        return find_service(self.proc_dir, self.config, os.environ)

    def values(self) -> dict[str, Value]:
        """All settings with their origins. Raises ConfigError."""
        from queuemgr.service.daemon.configuration import gather

        return gather(self.config, os.environ, {"proc_dir": self.proc_dir})

    def store_url(self) -> str:
        """Of the running service. What opens it is never told by the service: that is taken from its configuration.

        Raises ServiceNotRunning, ConfigError.
        """
        from queuemgr.address import shown_url

        told: str = self.call("service.status")["store"]
        own = self.values()["store"].value
        return str(own) if own and shown_url(str(own)) == told else told

    def call(self, operation: str, *, waits: bool = False, **arguments: Any) -> Any:
        """The service's answer. Raises ServiceNotRunning, NotFound, and what the operation raises."""
        from queuemgr.errors import JobNotFound, UnknownTask
        from queuemgr.service.access.terminal import this_person
        from queuemgr.service.host.calling import Caller
        from queuemgr.service.host.config import socket_of

        caller = Caller(socket_of(self.folder), by=this_person().name)
        how: dict[str, float | None] = {"timeout": None} if waits else {}
        try:
            return caller.call(operation, arguments, **how)
        except JobNotFound as error:
            raise NotFound(str(error), "queuemgr job list") from error
        except UnknownTask as error:
            raise NotFound(str(error), "queuemgr job classes") from error
        finally:
            caller.close()


def about_service(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --proc-dir, --config and --json; the function gets an Asking first."""

    def with_service(proc_dir: str | None, config: str | None, as_json: bool, **params: Any) -> Any:
        return function(Asking(proc_dir, config, as_json), **params)

    functools.update_wrapper(with_service, function)
    decorated: Callable[..., Any] = with_service
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def answered(given: str | None, question: str, name: str, asking: Asking) -> str:
    """What was given, or else what a person answers. Raises Misused where nobody can be asked."""
    if given is not None:
        return given
    if asking.as_json or not session.somebody_can_answer():
        raise Misused(f"{name} is missing", f"see: {click.get_current_context().command_path} --help")
    said: str = click.prompt(question, prompt_suffix="", err=True)
    return said
