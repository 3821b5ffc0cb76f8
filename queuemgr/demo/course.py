"""One run of the demo: list, enqueue, watch, kill, check, sum up. It draws nothing and catches no signals."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr import App, Query, State
from queuemgr.errors import ConfigError, StoreError
from queuemgr.job import new_id
from queuemgr.service.words import counted

from .check import check
from .folder import list_files, shown, standard_library
from .killing import Killer
from .plan import plan
from .reading import Reading
from .summary import Summary
from .tasks import beat
from .troubles import find_troubles
from .watch import Watch
from .workers import Crew

if TYPE_CHECKING:
    from queuemgr.client import Client

    from .folder import Listing
    from .lines import Display
    from .plan import Planned

BATCH = 5000
LOOK = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """`seconds` is what each large file takes; without `store` the jobs are kept in a new file; `web` adds the page."""

    folder: str | None
    store: str | None
    processes: int
    limit: int | None
    kills: int
    seconds: float
    web: bool = False


class Course:
    """`done` and `total` count jobs, `url` is where they are kept, `page_url` the page's address until `close`."""

    def __init__(self, wishes: Wishes) -> None:
        self.url = wishes.store or ""
        self.page_url = ""
        self.done = self.total = 0
        self._wishes = wishes
        self._tag = f"demo-{new_id()[-12:]}"
        self._cleanup = ExitStack()
        self._pages = ExitStack()

    def run(self, display: Display) -> Summary:
        """Raises OSError where the folder cannot be opened, ConfigError and StoreError."""
        self._display = display
        with self._cleanup:
            self._cleanup.callback(display.close)
            self._check_wishes()
            home = Path(tempfile.mkdtemp(prefix="queuemgr-demo-"))
            self.url = self.url or f"sqlite:///{home / 'jobs.db'}"
            self._open_page(home / "page.log")  # first, because somebody waits to see it
            display.say("looking for files")
            listing = self._list()
            app = App(self.url)
            app.register_type(Reading)
            self._cleanup.callback(app.close)
            crew = Crew(self.url, self._wishes.processes, home / "workers.log")
            self._cleanup.callback(crew.stop)
            jobs = self._enqueue(app.client, listing)
            return self._work(app.client, crew, jobs, listing)

    def close(self) -> None:
        """Stop the page, which stays when the run is over."""
        self._pages.close()

    def _open_page(self, log: Path) -> None:
        if not self._wishes.web:
            return
        from .page import Page, has_display

        def tell(url: str) -> None:
            if not url:
                self._display.say(f"there is no page: it could not start, {log} says why")
                return
            self.page_url = url
            self._display.page(url)
            if has_display():
                import webbrowser

                webbrowser.open(url)

        page = Page(self.url, log, tell)
        self._pages.callback(page.stop)

    def _check_wishes(self) -> None:
        wishes = self._wishes
        if wishes.processes < 1 or (wishes.limit is not None and wishes.limit < 1) or wishes.seconds < 0:
            raise ConfigError("at least 1 process and 1 file are needed, and no less than 0 seconds")
        if wishes.folder is not None:
            os.scandir(wishes.folder).close()

    def _list(self) -> Listing:
        listing = list_files(self._wishes.folder or standard_library(), self._wishes.limit)
        if not listing.files:
            raise ConfigError(f"there are no plain files in {listing.folder}: name a folder that has some")
        return listing

    def _enqueue(self, client: Client, listing: Listing) -> list[Planned]:
        jobs = plan(listing, self._tag, self._wishes.seconds)
        self._display.say(f"enqueueing {counted(len(jobs), 'job')}")
        for start in range(0, len(jobs), BATCH):
            client.enqueue_many(one.call for one in jobs[start : start + BATCH])
        self.total = len(jobs)
        client.schedule(self._tag, "every 1s", beat.using(tags=(self._beats,)).call())
        self._cleanup.callback(self._end_schedule, client)
        return jobs

    @property
    def _beats(self) -> str:
        return f"{self._tag}-beat"

    def _work(self, client: Client, crew: Crew, jobs: list[Planned], listing: Listing) -> Summary:
        names = {one.call.job.id: one.name for one in jobs}
        watch = Watch(client, self._tag, names)
        killer = Killer(crew, watch, self._wishes.kills, 0.6 * self._wishes.seconds)
        self._display.say(f"each file is read in a job of its own, by {counted(self._wishes.processes, 'worker')}")
        seconds = self._watch(crew, watch, killer)
        self._display.say("all jobs have ended; checking against a direct computation")
        self._end_schedule(client)
        crew.stop()
        checked = check(client, jobs, self._display.checked)
        troubles = find_troubles(client, self._tag, names)
        return Summary(
            folder=shown(str(listing.folder)),
            store=self.url,
            log=str(crew.log),
            seconds=seconds,
            jobs=len(jobs),
            equal=checked.equal,
            totals=checked.by_jobs.totals(),
            directly=checked.directly.totals(),
            different=checked.different,
            changed=checked.changed,
            special={way: [one.name for one in jobs if one.way == way] for way in ("delayed", "isolated")},
            left_out=dict(listing.left_out),
            killed=killer.killed,
            troubles=troubles,
            beats=client.count(Query(tag=self._beats, states=(State.SUCCEEDED,))),
        )

    def _watch(self, crew: Crew, watch: Watch, killer: Killer) -> float:
        """Until every job has ended; the seconds that it took."""
        while True:
            began = time.monotonic()
            crew.check()
            view = watch.look()
            self.done = view.done
            self._display.show(view)
            killer.strike(view)
            if view.done == view.total:
                return view.seconds
            # Where one look takes long, because there are very many jobs, it must not take the workers' time.
            time.sleep(max(LOOK, 3 * (time.monotonic() - began)))

    def _end_schedule(self, client: Client) -> None:
        with suppress(StoreError):
            client.remove_schedule(self._tag)
