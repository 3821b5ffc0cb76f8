"""The daemon's life: the service, the workers beside it, signals, systemd. What it serves is in host/."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

from queuemgr.errors import QueuemgrError
from queuemgr.service.host.host import Host

from .crews import crews
from .logs import log_to
from .notifying import keep_watchdog_quiet, notify

if TYPE_CHECKING:
    from collections.abc import Callable

    from .settings import Settings

log = logging.getLogger("queuemgr.service")

SPARE = 10.0
"""Seconds beyond those of running jobs in which the daemon has ended."""


async def serve(
    settings: Settings, read_again: Callable[[], Settings], on_ready: Callable[[], None], *, detached: bool
) -> bool:
    """Until SIGTERM or SIGINT; SIGHUP reads the configuration again. False where a job could not be stopped in time.

    Raises what `Host.run` raises at its start.
    """

    def ready() -> None:
        notify("READY=1", "STATUS=ready")
        on_ready()

    def stop() -> None:
        # systemd would kill what takes longer than its unit says, however long running jobs may take.
        patience = host.config.shutdown_timeout + SPARE
        notify("STOPPING=1", f"EXTEND_TIMEOUT_USEC={round(patience * 1e6)}")
        host.stop()

    def reload() -> None:
        tasks.append(asyncio.create_task(_reload(host, read_again, detached=detached)))

    host = Host(settings.host, ready)
    loop = asyncio.get_running_loop()
    for number, handler in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, reload)):
        loop.add_signal_handler(number, handler)
    tasks = [asyncio.create_task(keep_watchdog_quiet())]
    try:
        async with crews(settings.daemon.workers, settings.daemon.worker_processes, settings.host.shutdown_timeout):
            return await host.run()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _reload(host: Host, read_again: Callable[[], Settings], *, detached: bool) -> None:
    notify("RELOADING=1")
    try:
        settings = read_again()
        log_to(settings.daemon, detached=detached)
        later = await host.reconfigure(settings.host)
        log.info("the configuration was read again%s", f"; {', '.join(later)} need a restart" if later else "")
    except (QueuemgrError, OSError) as error:
        log.error("the configuration stays as it was: %s", error)  # noqa: TRY400
    except Exception:
        log.exception("the configuration could not be read again")
    finally:
        notify("READY=1")
