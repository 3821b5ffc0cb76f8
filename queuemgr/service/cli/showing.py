"""Shows documents: as JSON for programs, drawn for people in a terminal, as bare text in a pipe. It fetches nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from shlex import join
from typing import TYPE_CHECKING, Any

from queuemgr.service.places import Place

from .page import Next, Page
from .plain import asides_of, text_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .page import PageOf

Document = Mapping[str, Any]
APP = "MODULE:APP"


class Output:
    """Where a command's answer goes. `place` completes the commands that next steps propose."""

    def __init__(self, *, as_json: bool, place: Place | None = None) -> None:
        self.as_json = as_json
        self._place = place or Place()

    @property
    def for_people(self) -> bool:
        return not self.as_json and is_terminal()

    def show(self, document: Document, page_of: PageOf) -> None:
        if self.as_json:
            self.write_json(document)
        else:
            self.draw(page_of(document))

    def write_json(self, document: Document) -> None:
        self.write(json_text(document, pretty=is_terminal()))

    def line(self, document: Document) -> None:
        """One line of a stream of documents."""
        self.write(json_text(document, pretty=False))

    def draw(self, page: Page) -> None:
        page = self._completed(page)
        if is_terminal():
            from .pretty import Terminal, draw, spaced

            console = Terminal()
            for block in spaced(page):
                # A command is left to the terminal to wrap, so that it can be copied as one line.
                console.print(draw(block, console), soft_wrap=isinstance(block, Next))
            return
        self.write(text_of(page))
        for aside in asides_of(page, with_next=sys.stderr.isatty()):
            tell(aside)

    def write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    async def follow(
        self,
        fetch: Callable[[], Awaitable[Document]],
        page_of: PageOf,
        pause: float,
        ended: Callable[[Document], bool],
    ) -> Document:
        """Show it anew every `pause` seconds until it has `ended`; the last document."""
        import asyncio

        if self.for_people:
            return await self._redraw(fetch, page_of, pause, ended)
        while True:
            document = await fetch()
            self.line(document) if self.as_json else self.draw(page_of(document))
            if ended(document):
                return document
            await asyncio.sleep(pause)

    async def _redraw(
        self,
        fetch: Callable[[], Awaitable[Document]],
        page_of: PageOf,
        pause: float,
        ended: Callable[[Document], bool],
    ) -> Document:
        import asyncio

        from rich.live import Live

        from .pretty import Terminal, drawn

        console = Terminal()
        with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
            while True:
                document = await fetch()
                live.update(drawn(self._completed(page_of(document)), console), refresh=True)
                if ended(document):
                    return document
                await asyncio.sleep(pause)

    def _completed(self, page: Page) -> Page:
        return Page([self._complete(block) if isinstance(block, Next) else block for block in page.blocks])

    def _complete(self, step: Next) -> Next:
        """The command, so that it can be copied as it is."""
        command = step.command
        if self._place.app:
            command = command.replace(APP, self._place.app)
        if self._place.named and command.startswith("queuemgr ") and not command.startswith("queuemgr worker "):
            command = f"{command} {join(self._place.named)}"
        return replace(step, command=command)


def is_terminal() -> bool:
    """Whether a person reads the output, as far as can be told."""
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


def tell(text: str) -> None:
    """To people, beside the answer."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def json_text(document: Document, *, pretty: bool) -> str:
    import json

    return json.dumps(document, indent=2 if pretty else None) + "\n"
