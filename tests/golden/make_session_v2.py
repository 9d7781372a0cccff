"""Made the golden session of format 2, once: ``python tests/golden/make_session_v2.py tests/golden/session_v2``.

Kept to show where it came from. The session is never made again: later versions must go on reading these very bytes.
It has what format 1 had not: states, another model, compaction, kept homes, masks, a fork, a rewind, a hand-over and back.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from pathlib import Path

from edgeagent import events
from edgeagent.homes.kept import KeptHomes
from edgeagent.recording.log import Author
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.writer import SessionWriter
from edgeagent.testing import Button, Caption, FakeClock, FakeDesktop, TextField
from edgeagent_harness.protocol.actions import Action, Click, Type
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec, HostSpec, SettleSpec
from edgeagent_models.protocol import Element

FIELD, SAVE, CLOCK = Rect(90, 30, 300, 52), Rect(10, 110, 100, 134), Rect(250, 0, 320, 20)
NAME = Element(0, "text_field", FIELD, label="Name", score=0.98)
SESSION = "20260101-000000-golden2"
WHEN_NS = 1_767_225_600_000_000_000
"""When the files of the home were changed; also what makes the golden bytes the same whenever they are made."""


class Recording:
    """Writes the session, step by step."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakeClock()
        self.home = directory / "home"
        self.home.mkdir(parents=True)
        self.writer = SessionWriter.create(directory, Author(SESSION, parent="20251231-235959-parent"), self.clock)
        self.homes = KeptHomes(directory)
        self.desktop = FakeDesktop(
            [Caption("title", Rect(10, 4, 200, 20), "Golden form"), TextField("name", FIELD), Button("Save", SAVE)],
            clock=self.clock,
        )

    async def step(self, number: int, action: Action, file_text: str) -> None:
        self.clock.advance(0.25)
        before = await self.desktop.observe()
        await self.writer.emit(events.Intent(number, action, await self.writer.keep_frame(before.screen), "next", NAME))
        deed = await self.desktop.perform(action, SettleSpec())
        frame = await self.writer.keep_frame(deed.look.screen)
        await self.writer.emit(events.Acted(number, deed.effect, frame, 1.25, 3.5, 0.75, deed.look.settle))
        (self.home / "Zoë.txt").write_text(file_text)
        os.utime(self.home / "Zoë.txt", ns=(WHEN_NS, WHEN_NS))
        self.keep(number)
        await self.writer.emit(events.HomeKept(number, 1, 1, len(file_text), 1.5, ("big.bin: too large",)))

    def keep(self, number: int) -> None:
        self.homes.keep(self.home, number)


async def record(directory: Path) -> None:
    made = Recording(directory)
    emit = made.writer.emit
    spec = DesktopSpec(320, 200, home=f"/sessions/{SESSION}/home", host=HostSpec(window="Golden"))
    await emit(events.SessionCreated("fill in “Zoë”", "embedded", spec, "0.2.0", seed=7, mode="ask"))
    await emit(events.RunStarted("new", ("user", "seccomp"), ("cgroup",), 812.5))
    look = await made.desktop.observe(SettleSpec(expect="nothing"))
    frame = await made.writer.keep_frame(look.screen)
    areas = (events.MaskedArea(CLOCK, "region clock"), events.MaskedArea(FIELD, "secret"))
    await emit(events.Masked(frame, areas, {"card": 2}))
    await emit(events.Observed(frame, 3.25, look.settle, 1.5))
    made.keep(0)
    await emit(events.Replied("a reply"))
    await emit(events.Compacted("screens", 1, 3, "the family is shown at most 3 screens"))
    await emit(events.StateChanged("waiting", "click"))
    await emit(events.StateChanged("running"))
    await emit(events.Verdict(allow=True, rule="first of its kind", asked=True, instead=Click(FIELD.centre)))
    await made.step(1, Click(FIELD.centre), "one")
    await emit(events.StateChanged("paused", "held by the user"))
    await emit(events.ModeChanged("auto"))
    await emit(events.ModelChanged("/models/other.gguf", "/models/mmproj.gguf", "holo"))
    await made.step(2, Type("Zoë"), "two")
    await made.step(3, Click(SAVE.centre), "three")
    await emit(events.RunEnded("limit", "stopped"))
    await emit(events.HandedOver("https://elsewhere", 1))
    await emit(events.TakenBack("https://elsewhere", 2))
    await emit(events.Restored("replayed", 2, "half done", ""))
    await emit(events.Rewound(2, 1, "restored", ("1 connection(s) to mail.example:443, 2.1 kB sent",)))
    await emit(events.RunStarted("resumed"))
    await made.step(3, Type(" again"), "three again")
    await emit(events.RunEnded("done", "saved", answer="42"))
    await emit(events.Forked("20251231-235959-parent", 3, "partly", ()))
    made.homes.close()
    made.writer.close()


def expected(directory: Path) -> dict[str, object]:
    """What any later version must read in it."""
    with SessionReader.open(directory) as reader:
        steps = reader.steps()
        frames = {frame_id: reader.frame(frame_id) for step in steps for frame_id in (step.frame_before, step.frame_after)}
        return {
            "kinds": [event.kind for event in reader.events()],
            "last_hash": reader.contents.last_hash,
            "frames": {
                frame_id: [frame.width, frame.height, hashlib.sha256(frame.pixels).hexdigest()]
                for frame_id, frame in frames.items()
            },
            "homes": {"0": None, "1": "one", "2": "two", "3": "three again"},
        }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    asyncio.run(record(target))
    target.with_name("session_v2.json").write_text(json.dumps(expected(target), indent=2, ensure_ascii=False) + "\n")
