"""What the page costs: from the demo to the first job in a browser, its weight, first pages, live updates, viewers.

`python bench/web.py [--only WORDS] [--viewers 100] [--minutes 5] [--rounds 5]`. Lists and live updates are measured on
a copy of the big file of bench/million.py. A browser is needed for the first two: Playwright, and Chromium in the path.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crew import running, scratch, url_of
from million import kept
from rounds import say
from viewers import Served, Viewer, passing, watch

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCREENS = ("overview", "jobs", "queues", "workers", "schedules", "failures", "alerts")
LISTS = (
    *("jobs", "jobs?state=ready", "jobs?state=succeeded", "jobs?state=dead", "jobs?queue=rare", "jobs?task=shop.task1"),
    *("jobs?tag=common", "jobs?queue=default&state=ready", "queues", "workers", "schedules", "failures", "alerts"),
    *("overview", "audit", "tasks", "history"),
)
ROW = "tbody tr"
CALLS = 20
UPDATES = 40
BOUNDS = {
    "first job": (3000.0, "ms"),
    "weight": (200.0, "kB"),
    "lists": (100.0, "ms"),
    "live": (300.0, "ms"),
    "CPU": (15.0, "% of a core"),
    "memory": (80.0, "MB"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only those whose name contains this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=5.0)
    chosen = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "first job": lambda: first_job(chosen.rounds),
        "weight": weight,
        "lists": lists,
        "live": live,
        "viewers": lambda: viewers(chosen.viewers, chosen.minutes * 60),
    }
    for name, part in parts.items():
        if chosen.only in name:
            print(f"\n{name} (load of the machine {os.getloadavg()[0]:.1f})")
            part()


# with a browser


def first_job(rounds: int) -> None:
    """From the start of `queuemgr demo` to the first line of the list of jobs."""
    with browser() as chromium:
        taken = [one_demo(chromium) for _ in range(rounds)]
    told("first job", statistics.median(taken))
    say(f"of {rounds}: {', '.join(f'{one:,.0f}' for one in sorted(taken))} ms")


def one_demo(chromium: Any) -> float:
    with scratch() as folder, running_demo(folder) as (lines, began):
        url = next(line.split()[-1] for line in lines if "the page is at" in line)
        page = chromium.new_page()
        page.goto(f"{url}/#/jobs", wait_until="commit")
        page.wait_for_selector(ROW, timeout=60_000)
        taken = time.perf_counter() - began
        page.close()
        return taken * 1000


@contextmanager
def running_demo(folder: Path) -> Iterator[tuple[Iterator[str], float]]:
    began = time.perf_counter()
    store = f"sqlite:///{folder}/demo.db"
    with running("-u", "-m", "queuemgr", "demo", "--store", store, "--limit", "500") as process:
        assert process.stdout is not None
        yield iter(process.stdout), began


def weight() -> None:
    """Bytes over the wire until each screen has been seen once, as a browser counts them; streams left out."""
    with scratch() as folder, Served(folder, url_of(folder / "jobs.db")) as served, browser() as chromium:
        page = chromium.new_page()
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        for screen in SCREENS:
            page.goto(f"{served.url}/#/{screen}")
            page.wait_for_timeout(1500)
            say(f"{len(sizes):3} files, {sum(sizes) / 1000:6.1f} kB once {screen} was seen")
        told("weight", sum(sizes) / 1000)


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        chromium.new_page().close()
        yield chromium
        chromium.close()


# with a million jobs


@contextmanager
def big() -> Iterator[Served]:
    source = kept(rebuild=False)
    with tempfile.TemporaryDirectory(prefix="queuemgr-bench-") as folder:
        copy = Path(folder) / "jobs.db"
        shutil.copyfile(source, copy)
        with Served(Path(folder), url_of(copy)) as served:
            count(served)
            yield served


def count(served: Served) -> None:
    """A store counts what nobody has looked at yet, some of it at each look: the first ones wait for that."""
    looks: list[float] = []
    while not looks or (looks[-1] > BOUNDS["lists"][0] and len(looks) < 200):
        began = time.perf_counter()
        served.get("/api/v1/queues")
        looks.append((time.perf_counter() - began) * 1000)
    say(f"the first look took {looks[0]:,.0f} ms; {len(looks)} looks until all jobs were counted")


def lists() -> None:
    """The first page of each list over HTTP, alone and while a thousand jobs a second pass."""
    with big() as served:
        alone = {path: timed(served, path) for path in LISTS}
        with passing(served.store) as rate:
            busy = {path: timed(served, path) for path in LISTS}
        say(f"{'':36}{'alone':>10}{f'{rate():,.0f} jobs/s':>16}   ms, medians of {CALLS} (the slowest)")
        for path in LISTS:
            one, other = alone[path], busy[path]
            say(
                f"{path:36}{statistics.median(one):10.1f}{statistics.median(other):16.1f}"
                f"   ({max(one):.1f}, {max(other):.1f})"
            )
        told("lists", max(statistics.median(taken) for taken in (alone | busy).values()))


def timed(served: Served, path: str) -> list[float]:
    """Milliseconds."""
    taken = []
    for number in range(CALLS + 2):
        began = time.perf_counter()
        status = served.get(f"/api/v1/{path}")
        if number >= 2:
            taken.append((time.perf_counter() - began) * 1000)
        if status != 200:
            sys.exit(f"{path} was answered with {status}")
    return taken


def live() -> None:
    """From the commit of a job to the event that shows it: in a list that is calm, and in figures that always move."""
    with big() as served, passing(served.store) as rate:
        calm = Viewer(served.url, ("jobs.list?queue=probe&limit=50",))
        moving = Viewer(served.url, ("overview",))
        with calm, moving:
            waits = {"a calm list": calm.delays(served.store, UPDATES), "overview": moving.gaps(UPDATES)}
        say(f"{rate():,.0f} jobs a second pass meanwhile")
        most = {name: sorted(taken)[int(len(taken) * 0.95) - 1] for name, taken in waits.items()}
        for name, taken in waits.items():
            middle, slowest = statistics.median(taken), max(taken)
            say(f"{name:12} median {middle:5.0f} ms, 95 of 100 below {most[name]:5.0f} ms, slowest {slowest:5.0f} ms")
        told("live", max(most.values()))


def viewers(number: int, seconds: float) -> None:
    """What so many streams cost the page's process, and what they leave behind."""
    with (
        scratch() as folder,
        Served(folder, url_of(folder / "jobs.db")) as served,
        passing(served.store, 200.0) as rate,
    ):
        for path in LISTS:
            served.get(f"/api/v1/{path}")
        cost = watch(served, number, seconds)
        say(f"{number} viewers for {seconds:g} s, {cost.events:,} events, {rate():,.0f} jobs a second")
        say(f"before {cost.before}", f"with them {cost.during}", f"after they left {cost.after}")
        told("CPU", cost.cpu)
        told("memory", cost.during.memory)
        left = cost.after.handles - cost.before.handles
        say(f"handles left open: {left}" + (": nothing leaked" if left <= 0 else ""))


def told(name: str, value: float) -> None:
    bound, unit = BOUNDS[name]
    say(f"{name}: {value:,.1f} {unit}, at most {bound:g}: {'kept' if value <= bound else 'BROKEN'}")


if __name__ == "__main__":
    main()
