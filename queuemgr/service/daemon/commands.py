"""The daemon's own command line. Asking it for anything else is the business of `queuemgr-cli`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from queuemgr.errors import ConfigError, QueuemgrError, ServiceError

from .configuration import gather, settings_of
from .detaching import Messenger, detach
from .logs import log_to
from .pidfile import PidFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from .settings import Settings

FAILED, USAGE, NOT_RUNNING = 1, 2, 3
"""The last one as the Linux Standard Base has it for "status"."""

log = logging.getLogger("queuemgr.service")

SPARE = 10.0


class Options:
    """What every verb is given."""

    def __init__(self, config: str | None, pidfile: str | None) -> None:
        # The daemon changes its folder, and reads its configuration again later.
        self._config = str(Path(config).absolute()) if config else None
        self._pidfile = str(Path(pidfile).absolute()) if pidfile else None

    def values(self) -> dict[str, Any]:
        return gather(self._config, os.environ, {"pidfile": self._pidfile})

    def settings(self) -> Settings:
        return settings_of(self.values())


def _verb(function: Callable[..., int]) -> click.Command:
    config = click.option("-c", "--config", metavar="F", help="config.py or a TOML file.")
    pidfile = click.option("-p", "--pidfile", metavar="F", help="Where the process id is kept.")
    return click.command()(config(pidfile(function)))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def daemon() -> None:
    """The Queue Manager as a daemon: start, stop, restart, status, config."""


@_verb
@click.option("-d", "--daemon", "detached", is_flag=True, help="In the background; returns once it is ready.")
def start(config: str | None, pidfile: str | None, detached: bool) -> int:
    """Start it, in the foreground if --daemon is not given."""
    options = Options(config, pidfile)
    settings = options.settings()
    if (pid := PidFile(settings.daemon.pidfile).pid()) is not None:
        raise ConfigError(f"the daemon runs already (pid {pid}): stop it first, or choose another --pidfile")
    messenger = detach() if detached else None
    return _serve(options, settings, messenger)


@_verb
def stop(config: str | None, pidfile: str | None) -> int:
    """Stop it: running jobs get their time, waiting ones stay."""
    settings = Options(config, pidfile).settings()
    pid = _end(settings)
    click.echo(f"stopped (pid {pid})" if pid else "the daemon is not running")
    return 0


@_verb
@click.option("-d", "--daemon", "detached", is_flag=True, help="In the background; returns once it is ready.")
def restart(config: str | None, pidfile: str | None, detached: bool) -> int:
    """Stop it and start it again."""
    options = Options(config, pidfile)
    settings = options.settings()
    _end(settings)
    return _serve(options, settings, detach() if detached else None)


@_verb
def status(config: str | None, pidfile: str | None) -> int:
    """Whether it runs, and what it is at. The code is 0 if it runs and 3 if not."""
    settings = Options(config, pidfile).settings()
    pid = PidFile(settings.daemon.pidfile).pid()
    if pid is None:
        click.echo("Status: stopped")
        return NOT_RUNNING
    click.echo(f"Status: running (pid {pid})")
    from queuemgr.service.host.calling import Caller

    caller = Caller(settings.host.socket, timeout=5.0)
    try:
        for name, value in caller.call("service.status").items():
            click.echo(f"  {name}: {value}")
    except ServiceError as error:
        click.echo(f"  it does not answer: {error}")
    finally:
        caller.close()
    return 0


@_verb
def config(config: str | None, pidfile: str | None) -> int:
    """Every setting with its value and where that comes from."""
    options = Options(config, pidfile)
    values = options.values()
    options.settings()
    width = max(map(len, values))
    for name, one in values.items():
        click.echo(f"{name:{width}}  {one.value!r}  ({one.origin})")
    return 0


for verb in (start, stop, restart, status, config):
    daemon.add_command(verb)


def _end(settings: Settings) -> int | None:
    return PidFile(settings.daemon.pidfile).end(settings.host.shutdown_timeout + SPARE)


def _serve(options: Options, settings: Settings, messenger: Messenger | None) -> int:
    from .serving import serve

    file = PidFile(settings.daemon.pidfile)
    os.umask(0o077)
    try:
        log_to(settings.daemon, detached=messenger is not None)
        file.take()
        ready = messenger.ready if messenger else lambda: None
        stopped = asyncio.run(serve(settings, options.settings, ready, detached=messenger is not None))
    except (QueuemgrError, OSError) as error:
        if messenger is None:
            raise
        log.exception("the daemon ended")
        messenger.failed(str(error))
        return FAILED
    except BaseException:
        log.exception("the daemon ended")
        raise
    finally:
        file.release()
    return 0 if stopped else FAILED


def main() -> None:
    """Errors are one line on stderr and an exit code."""
    try:
        code = daemon.main(prog_name="python -m queuemgr.service.daemon", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        code = 130
    except (QueuemgrError, OSError) as error:
        click.echo(f"queuemgr: {error}", err=True)
        code = USAGE if isinstance(error, ConfigError) else FAILED
    sys.exit(code)
