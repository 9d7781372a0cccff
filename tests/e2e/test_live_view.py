"""A person can look at the sandbox while an action is under way, and that changes nothing of what the action is judged by."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from edgeagent.desktop.client import SandboxDesktop
from edgeagent_harness.protocol.actions import Click, Move, Type, Wait
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec, SettleSpec

pytestmark = pytest.mark.sandbox

NO_WAIT = SettleSpec(expect="nothing", quiet_ms=0)


async def test_the_screen_is_seen_while_an_action_is_under_way(tmp_path: Path) -> None:
    async with SandboxDesktop(DesktopSpec(home=str(tmp_path), applications=(Application(("mousepad",)),))) as desktop:
        look = await desktop.observe(SettleSpec(quiet_ms=300))
        first = await desktop.peek()
        assert first is not None
        assert first.pixels == look.screen.pixels
        assert await desktop.peek() is None, "nothing has changed"
        waiting = asyncio.ensure_future(desktop.perform(Wait(1500), NO_WAIT))
        await asyncio.sleep(0.2)
        began_s = time.monotonic()
        await desktop.peek()
        assert not waiting.done()
        assert time.monotonic() - began_s < 0.5
        await waiting


async def test_looking_on_does_not_change_what_an_action_did(tmp_path: Path) -> None:
    async with SandboxDesktop(DesktopSpec(home=str(tmp_path), applications=(Application(("mousepad",)),))) as desktop:
        await desktop.perform(Click(Point(640, 400)), SettleSpec(quiet_ms=300))
        seen = 0

        async def look_on() -> None:
            nonlocal seen
            while True:
                seen += await desktop.peek() is not None
                await asyncio.sleep(0.01)

        looking = asyncio.ensure_future(look_on())
        typed = await desktop.perform(Type("words " * 40), SettleSpec())
        moved = await desktop.perform(Move(Point(5, 5)), NO_WAIT)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        assert typed.effect.status == "confirmed"
        assert moved.effect.performed
        assert seen > 1
        assert (await desktop.observe()).screen.info.seq > typed.look.screen.info.seq
