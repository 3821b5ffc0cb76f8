"""What the contract says of the foreign system itself: its producer and worker, and ours, on the same queue."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from queuemgr.testing.contract.stage import Stage, staged_in_real_time

from .setting import DialectCases

if TYPE_CHECKING:
    from .setting import Peer

ARGUMENTS = {"name": "Ann Müller 🎈", "n": 7, "opts": {"k": [1, 2.5, None, True, "é"], "deep": {"x": [[], {"y": ""}]}}}


class PeerCases(DialectCases):
    @staged_in_real_time
    async def test_what_the_foreign_producer_sends_is_run_here(self, stage: Stage, peer: Peer) -> None:
        await asyncio.to_thread(peer.send, ARGUMENTS)
        lease = await stage.lease(tasks=[peer.task])
        _, named = msgspec.json.decode(lease.args)
        assert named["name"] == ARGUMENTS["name"]
        assert named["opts"]["k"] == ARGUMENTS["opts"]["k"]  # type: ignore[index]
        assert await stage.settle(lease)
        assert await asyncio.to_thread(peer.work) == []

    @staged_in_real_time
    async def test_what_is_sent_here_is_run_by_the_foreign_worker(self, stage: Stage, peer: Peer) -> None:
        await stage.enqueue(peer.task, args=msgspec.json.encode([[], ARGUMENTS]))
        (ran,) = await asyncio.to_thread(peer.work)
        assert ran["name"] == ARGUMENTS["name"]
        assert ran["opts"]["k"] == ARGUMENTS["opts"]["k"]  # type: ignore[index]
        assert await stage.claim(tasks=[peer.task]) == []

    @staged_in_real_time
    async def test_what_is_delayed_on_one_side_is_not_run_early_on_the_other(self, stage: Stage, peer: Peer) -> None:
        await asyncio.to_thread(peer.send, ARGUMENTS, 600)
        await stage.enqueue(peer.task, args=msgspec.json.encode([[], ARGUMENTS]), delay=600)
        assert await stage.claim(tasks=[peer.task]) == []
        assert await asyncio.to_thread(peer.work) == []

    @staged_in_real_time
    async def test_two_kinds_of_workers_share_a_queue_and_every_job_runs_once(self, stage: Stage, peer: Peer) -> None:
        for number in range(60):
            await stage.enqueue(peer.task, args=msgspec.json.encode([[], {"n": number}]))
        theirs = asyncio.create_task(asyncio.to_thread(peer.work))
        ours = []
        while not theirs.done():
            for lease in await stage.claim(tasks=[peer.task], limit=2):
                ours.append(msgspec.json.decode(lease.args)[1]["n"])
                assert await stage.settle(lease)
            await asyncio.sleep(0.03)
        assert sorted(ours + [ran["n"] for ran in await theirs]) == list(range(60))
        assert ours

    @staged_in_real_time
    async def test_what_our_dead_worker_left_is_run_by_the_foreign_one(self, stage: Stage, peer: Peer) -> None:
        await stage.enqueue(peer.task, args=msgspec.json.encode([[], {"n": 1}]))
        mortal = await stage.join_mortal()
        assert len(await stage.claim("mortal", tasks=[peer.task])) == 1
        mortal.kill()
        assert await asyncio.to_thread(peer.work) == []
        peer.forget_reservations()
        assert [ran["n"] for ran in await asyncio.to_thread(peer.work)] == [1]

    @staged_in_real_time
    async def test_what_a_dead_foreign_worker_left_comes_here(self, stage: Stage, peer: Peer) -> None:
        await asyncio.to_thread(peer.begin_and_die)
        assert await stage.claim(tasks=[peer.task]) == []
        peer.forget_reservations()
        (lease,) = await stage.claim(tasks=[peer.task])
        assert await stage.settle(lease)
