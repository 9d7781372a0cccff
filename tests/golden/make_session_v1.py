"""Made the golden session of format 1, once: ``python tests/golden/make_session_v1.py tests/golden/session_v1``.

Kept to show where it came from; run today it writes the format of today. The session is never made again: later versions must
go on reading these very bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from pathlib import Path

from edgeagent import events
from edgeagent.ports import Desktop, Look
from edgeagent.recording.log import Author
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.writer import SessionWriter
from edgeagent.testing import Button, Caption, Checkbox, FakeClock, FakeDesktop, TextField
from edgeagent_harness.protocol.actions import Action, Batch, Click, Key, Scroll, Type
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import Application, DesktopSpec, SettleSpec
from edgeagent_models.protocol import Element, Usage

FIELD, BOX, SAVE = Rect(90, 30, 300, 52), Rect(10, 70, 120, 86), Rect(10, 110, 100, 134)
NAME = Element(0, "text_field", FIELD, label="Name", score=0.98)
REPLY = '{"thought":"the name first","action":{"kind":"type","text":"Zoë"}}'


def desktop(clock: FakeClock) -> FakeDesktop:
    widgets = [Caption("title", Rect(10, 4, 300, 20), "Golden form"), TextField("name", FIELD), Checkbox("agree", BOX)]
    return FakeDesktop([*widgets, Button("Save", SAVE)], clock=clock)


async def look(writer: SessionWriter, screen: Desktop) -> Look:
    seen = await screen.observe(SettleSpec(expect="nothing"))
    await writer.emit(events.Observed(await writer.keep_frame(seen.screen), 3.25, seen.settle, 1.5))
    return seen


async def step(
    writer: SessionWriter, screen: FakeDesktop, clock: FakeClock, action: Action, target: Element | None = None
) -> None:
    number = len([fact for fact in FACTS if isinstance(fact, events.Intent)]) + 1
    clock.advance(0.25)
    before = await screen.observe()
    intent = events.Intent(number, action, await writer.keep_frame(before.screen), "next", target)
    FACTS.append(intent)
    await writer.emit(intent)
    deed = await screen.perform(action, SettleSpec())
    frame = await writer.keep_frame(deed.look.screen)
    clock.advance(0.125)
    await writer.emit(events.Acted(number, deed.effect, frame, 1.25, 3.5, 0.75, deed.look.settle))


FACTS: list[events.EventData] = []


async def record(directory: Path) -> None:
    clock = FakeClock()
    writer = SessionWriter.create(directory, Author("20260101-000000-golden", parent="20251231-235959-parent"), clock)
    screen = desktop(clock)
    spec = DesktopSpec(320, 200, home="/home/user/golden", applications=(Application(("form", "--title", "Ä")),))
    await writer.emit(
        events.SessionCreated(
            task="fill in “Zoë”,\nagree and save",
            model="embedded",
            desktop=spec,
            version="0.1.0",
            seed=7,
            limits={"max_steps": 60.0},
        )
    )
    await writer.emit(events.RunStarted("new", ("user", "seccomp"), ("cgroup",), 812.5))
    await look(writer, screen)
    usage, timings = Usage(120, 100, 64, 20), {"perceive_ms": 38.0, "decode_ms": 4.0}
    await writer.emit(events.Replied(REPLY, NAME, "local", "part 1 of 2", 0.9, usage, timings))
    await writer.emit(events.Verdict(allow=True, rule="sandbox", judge_ms=0.03125))
    await step(writer, screen, clock, Batch((Click(FIELD.centre), Key(("ctrl", "a")), Type("Zoë"))), NAME)
    await writer.emit(events.Replied("no action"))
    await writer.emit(events.Malformed("the reply is not a valid action"))
    await writer.emit(events.Verdict(allow=False, rule="deny", reason="not that"))
    await writer.emit(events.Memorized("the form has one page"))
    await step(writer, screen, clock, Scroll(Point(5, 5), dy=3))
    await step(writer, screen, clock, Click(Point(500, 5)))
    await writer.emit(events.EngineRestarted("signal 11"))
    await writer.emit(events.LimitReached("steps", 60.0))
    await writer.emit(events.RunEnded("limit", "stopped by the limit on steps (60)"))
    await writer.emit(events.UserMessage("go on"))
    await writer.emit(events.RunStarted("resumed"))
    before = await look(writer, screen)
    await writer.emit(events.Intent(4, Click(BOX.centre), await writer.keep_frame(before.screen)))
    await writer.emit(events.DesktopWasLost("the sandbox died"))
    await writer.emit(events.RunStarted("desktop_restarted"))
    again = await desktop(clock).observe()
    await writer.emit(events.Reconciled(4, True, await writer.keep_frame(again.screen)))
    await writer.emit(events.LogRepaired(17))
    await writer.emit(events.RunEnded("done", "saved", answer="42"))
    await writer.flush()
    writer.close()


def expected(directory: Path) -> dict[str, object]:
    """What any later version must read in it."""
    with SessionReader.open(directory) as reader:
        frames = {
            frame_id: reader.frame(frame_id) for step in reader.steps() for frame_id in (step.frame_before, step.frame_after)
        }
        return {
            "kinds": [event.kind for event in reader.events()],
            "last_hash": reader.contents.last_hash,
            "frames": {
                frame_id: [frame.width, frame.height, hashlib.sha256(frame.pixels).hexdigest()]
                for frame_id, frame in frames.items()
            },
            "effects": [step.effect.status for step in reader.steps()],
            "typed": "Zoë",
        }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    asyncio.run(record(target))
    target.with_name("session_v1.json").write_text(json.dumps(expected(target), indent=2, ensure_ascii=False) + "\n")
