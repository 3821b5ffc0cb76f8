"""`queuemgr monitor`: looks, draws and listens to keys, again and again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from queuemgr.service.cli.commands import Verb
from queuemgr.service.cli.session import about_store
from queuemgr.service.failures import NoStore

if TYPE_CHECKING:
    from queuemgr.service.cli.session import Session
    from queuemgr.service.connecting import Connection

    from .state import Wish


@click.command("monitor", cls=Verb)
@click.option("--every", type=click.FloatRange(0.1, 3600), default=1.0, show_default=True, metavar="S", help="Seconds.")
@click.option("--once", is_flag=True, help="Print one picture and end.")
@about_store
def monitor(session: Session, every: float, once: bool) -> None:
    """Follow queues, workers, running jobs and failures on one screen.

    Keys: q quit, up and down select a queue, p pause or resume it, f show only its jobs, left and right select a
    running job, s (twice) stop it, o follow its output. Where the output is no terminal, a line is printed again and
    again; with --json one document.
    """

    session = _with_store(session)

    async def work(connection: Connection) -> None:
        if session.as_json or once:
            await _print_once(connection, session)
        elif session.output.for_people:
            await _screen(connection, every)
        else:
            await _lines(connection, session, every)

    session.run(work)


def _with_store(session: Session) -> Session:
    """Where no store is named, that of the running service."""
    from queuemgr.errors import ServiceError
    from queuemgr.service.cli.asking import Asking

    try:
        session.place  # noqa: B018 - it raises where there is none
    except NoStore:
        try:
            return replace(session, store=Asking(None, None, session.as_json).store_url())
        except ServiceError:
            pass
        raise
    return session


async def _print_once(connection: Connection, session: Session) -> None:
    from queuemgr.service.operations.overview import overview

    document = await overview(connection.client)
    if session.as_json:
        session.output.write_json(document)
        return
    from queuemgr.service.cli.pretty import Terminal

    from .frame import frame
    from .state import Choice, settled

    console = Terminal()
    console.print(frame(document, settled(Choice(), document), None, console))


async def _lines(connection: Connection, session: Session, every: float) -> None:
    from queuemgr.service.cli.views.overview import line_of
    from queuemgr.service.operations.overview import overview

    from .state import Rate

    rate = Rate()
    while True:
        document = await overview(connection.client)
        session.output.write(f"{line_of(document, rate.add(document['at'], document['finished']))}\n")
        await asyncio.sleep(every)


async def _screen(connection: Connection, every: float) -> None:
    from rich.live import Live

    from queuemgr.service.cli.pretty import Terminal
    from queuemgr.service.operations.overview import overview

    from .frame import frame
    from .keys import pressed_keys
    from .state import Choice, Quit, Rate, press, settled
    from .tail import Tail

    console, choice, rate, tail = Terminal(), Choice(), Rate(), Tail()
    with pressed_keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            began = time.monotonic()
            document = await overview(connection.client, choice.shown_queue)
            choice = settled(choice, document)
            speed = rate.add(document["at"], document["finished"])
            # A store that is slow to look into is looked into less often.
            pause = max(every, 4 * (time.monotonic() - began))
            output = await tail.look(connection.client, choice.followed)
            live.update(frame(document, choice, speed, console, fill=True, output=output), refresh=True)
            key = await _key(keys, pause)
            while key:
                choice, wish = press(choice, key, document)
                if isinstance(wish, Quit):
                    return
                await _carry_out(wish, connection)
                key = "" if keys.empty() else keys.get_nowait()


async def _carry_out(wish: Wish, connection: Connection) -> None:
    from queuemgr.service.operations.changing import change_jobs
    from queuemgr.service.operations.queues import pause_queues, resume_queues

    from .state import Stop, Toggle

    match wish:
        case Toggle(queue, pause=True):
            await connection.ask(pause_queues, names=[queue], new=True)
        case Toggle(queue, pause=False):
            await connection.ask(resume_queues, names=[queue])
        case Stop(job_id):
            await connection.ask(change_jobs, verb="cancel", job_ids=(job_id,))


async def _key(keys: asyncio.Queue[str], seconds: float) -> str:
    try:
        return await asyncio.wait_for(keys.get(), seconds)
    except TimeoutError:
        return ""
