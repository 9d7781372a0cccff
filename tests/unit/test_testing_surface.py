"""The fakes are public: their names are pinned, and each satisfies its port."""

from __future__ import annotations

import edgeagent.testing
from edgeagent.ports import Clock, Desktop, Gate, Model, Sink
from edgeagent.testing import AllowAll, FakeClock, FakeDesktop, MemorySink, ScriptedModel

NAMES = [
    "AllowAll", "Button", "Caption", "Checkbox", "FakeClock", "FakeDesktop", "MemorySink", "ObedientModel", "ScriptedModel",
    "TextField", "Widget",
    "as_reply", "banner_png", "read_banner",
]  # fmt: skip


def test_the_public_names() -> None:
    assert edgeagent.testing.__all__ == NAMES


def test_each_fake_is_its_port() -> None:
    clock: Clock = FakeClock()
    desktop: Desktop = FakeDesktop(clock=clock)
    gate: Gate = AllowAll()
    model: Model = ScriptedModel([])
    sink: Sink = MemorySink()
    assert all([clock, desktop, gate, model, sink])
