"""Small recorded sessions for tests: written by the real writer, from a fake desktop's real pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeagent import events
from edgeagent.recording.log import Author
from edgeagent.recording.writer import SessionWriter
from edgeagent.testing import Button, Caption, FakeClock, FakeDesktop, TextField
from edgeagent_harness.protocol.actions import Action, Click, Type
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec, SettleSpec
from edgeagent_models.protocol import Element, Usage

FIELD, SAVE = Rect(90, 30, 300, 52), Rect(10, 110, 100, 134)
NAME = Element(0, "text_field", FIELD, label="Name")
DEFAULT_ACTIONS: tuple[Action, ...] = (Click(FIELD.centre), Type("Zoë"), Click(SAVE.centre))


async def record(
    directory: Path,
    actions: Sequence[Action] = DEFAULT_ACTIONS,
    task: str = "save my name",
    said: str = "done",
    ended: bool = True,
    model: str = "scripted",
) -> Path:
    """A session in which ``actions`` were performed; ``said`` is the thought, the title on the screen and the reply."""
    clock = FakeClock()
    writer = SessionWriter.create(directory, Author("20260101-000000-test"), clock)
    desktop = FakeDesktop(
        [Caption("title", Rect(10, 4, 300, 20), said), TextField("name", FIELD), Button("Save", SAVE)], clock=clock
    )
    await writer.emit(events.SessionCreated(task, model, DesktopSpec(320, 200), "0.1.0"))
    await writer.emit(events.RunStarted("new", ("namespaces",), machine="a machine"))
    look = await desktop.observe()
    await writer.emit(events.Observed(await writer.keep_frame(look.screen), 2.0))
    for number, action in enumerate(actions, start=1):
        clock.advance(0.25)
        target = Element(0, "text_field", FIELD, text=said, label=said) if isinstance(action, Type) else None
        timings = {"perceive_ms": 80.0, "decode_ms": 20.0, "ttft_ms": 90.0}
        await writer.emit(events.Replied(said, target, usage=Usage(100, 40, 0, 10), timings_ms=timings))
        await writer.emit(events.Intent(number, action, await writer.keep_frame(look.screen), said, target))
        deed = await desktop.perform(action, SettleSpec())
        look = deed.look
        frame = await writer.keep_frame(look.screen)
        await writer.emit(events.Acted(number, deed.effect, frame, deed.act_ms, look.capture_ms, 1.0, look.settle))
    if ended:
        await writer.emit(events.RunEnded("done", said, answer=said))
    writer.close()
    return directory
