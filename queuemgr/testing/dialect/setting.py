"""What the tests of a dialect are given: real captures, and the foreign system itself as a peer. It holds no test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from queuemgr.testing.contract.stage import Cases

if TYPE_CHECKING:
    from queuemgr.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Capture:
    """A record as the foreign system wrote it, and what it says."""

    name: str
    version: str
    record: bytes
    task: str
    args: bytes
    failures: int = 0


class Peer(Protocol):
    """The foreign system: its own producer and its own worker, in processes of their own."""

    task: str
    """A task that both sides know; its arguments are named."""

    def send(self, arguments: dict[str, Any], delay: int = 0) -> None:
        """Enqueue one job of `task` by the foreign system's own producer."""

    def work(self) -> list[dict[str, Any]]:
        """Let the foreign worker run until nothing is ready; the arguments of every job that it ran."""

    def begin_and_die(self) -> None:
        """Let the foreign worker begin one job and kill it under it, so that its reservation is left behind."""

    def forget_reservations(self) -> None:
        """Let the time pass after which abandoned reservations are free."""


class DialectCases(Cases):
    """What every group of tests has, beside the address of an empty store."""

    task = "Task"
    """A task's name that the dialect can write."""

    @pytest.fixture
    def dialect(self) -> Dialect[bytes]:
        raise NotImplementedError("a suite of tests for a dialect needs the fixture `dialect`")

    @pytest.fixture
    def captures(self) -> list[Capture]:
        raise NotImplementedError("a suite of tests for a dialect needs the fixture `captures`")

    @pytest.fixture
    def peer(self, url: str) -> Peer:
        raise NotImplementedError("a suite of tests for a dialect needs the fixture `peer`")
