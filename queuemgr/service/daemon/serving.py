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
        notify("STOPPING=1")
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
    except QueuemgrError as error:
        log.error("the configuration stays as it was: %s", error)  # noqa: TRY400
    notify("READY=1")
