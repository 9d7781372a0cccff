"""Secrets are not handed to the processes that deal with hostile bytes, and a reference that a model makes up ends nothing."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any, cast

import pytest

from edgeagent import supervising
from edgeagent.engine.process import EngineProcess
from edgeagent.policy.gate import Nowhere
from edgeagent.ports import Deed, Look
from edgeagent.screen import Screen
from edgeagent.secrets.desktop import SecretDesktop
from edgeagent.secrets.mask import Covers
from edgeagent.secrets.vault import Vault, variable_of
from edgeagent_harness.protocol.actions import Action, Type
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.messages import SettleSpec

VALUE = "hunter2-of-the-test"


def environment_of(pid: int) -> bytes:
    """What ``pid`` was started with; the kernel shows it a moment after the program has taken over."""
    while not (seen := Path(f"/proc/{pid}/environ").read_bytes()):
        time.sleep(0.001)
    return seen


async def test_neither_supervisor_nor_engine_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable_of("site"), VALUE)
    monkeypatch.setenv("EDGEAGENT_OTHER", "passed on")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        supervisor = cast(Any, supervising.start(theirs))
        seen = environment_of(supervisor.pid)
    supervisor.wait(20)
    engine = await EngineProcess.start("embedded")
    seen_by_engine = environment_of(engine.pid)
    await engine.close()
    for environment in (seen, seen_by_engine):
        assert b"passed on" in environment
        assert VALUE.encode() not in environment


class Typed:
    """A desktop that notes what it is told to type."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def observe(self, settle: SettleSpec | None = None) -> Look:
        return Look(Screen(FrameInfo(0, 4, 4, 0), bytes(64)), None, 0.0)

    async def perform(self, action: Action, *_: object, **__: object) -> Deed:
        assert isinstance(action, Type)
        self.texts.append(action.text)
        raise AssertionError("nothing is to be typed")


@pytest.mark.parametrize("reference", ["typed:1", "typed:99", "other", ""])
async def test_a_made_up_reference_is_refused(reference: str) -> None:
    vault = Vault(values={"site": VALUE})
    inner = Typed()
    desktop = SecretDesktop(cast(Any, inner), Nowhere(), vault, Covers())
    deed = await desktop.perform(Type(secret_ref=reference), SettleSpec())
    assert deed.effect.status == "refused"
    assert inner.texts == []
