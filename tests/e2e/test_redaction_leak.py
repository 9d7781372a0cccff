"""What the policy redacts is in no frame, prompt, log or export: a run on drawn screens, read by the real engine."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageDraw, ImageFont

from edgeagent import events
from edgeagent.engine import EmbeddedModel, open_model
from edgeagent.errors import UsageError
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.recording import export as exports
from edgeagent.recording.reader import SessionReader
from edgeagent.redaction.screens import MASK_COLOUR
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.screen import Screen
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import AllowAll, Caption, FakeClock, FakeDesktop, ScriptedModel, TextField
from edgeagent_harness.protocol.actions import Action, Click, ClipboardRead, ClipboardWrite, Finish, Type
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec

CARD = "4111 1111 1111 1111"
HASH = re.compile(rb"(?=[0-9]*[a-f])[0-9a-f]{16,}")
"""With a letter, which no card's number has: four digits of it may be anything."""
POLICY = r"""
redaction:
  regions: [{name: clock, left: 500, top: 0, right: 640, bottom: 40}]
  patterns:
    - {name: card, match: '\b(?:\d[ -]?){13,16}'}
    - {name: mail, match: '[a-z.]+@[a-z.]+'}
"""
SIZE = (640, 240)
TEXT = ImageFont.load_default(22)
FIELD = Rect(60, 150, 400, 190)
SCRIPT: list[Action] = [
    Click(FIELD.centre),
    Type(f"my card {CARD}"),
    ClipboardWrite("anna@example.org"),
    ClipboardRead(),
    Finish(reason=f"paid with {CARD}"),
]


class Paper(Caption):
    """A line in letters as large as on a real screen."""

    def draw(self, pen: ImageDraw.ImageDraw, box: Rect, focused: bool) -> None:
        pen.text((box.left, box.top), self.text, fill=(20, 20, 20), font=TEXT)


class Watched:
    """The `Model` port: a script, and the real engine's reading. Keeps what it was asked with."""

    def __init__(self, reader: EmbeddedModel) -> None:
        self._script = ScriptedModel(SCRIPT)
        self.read = reader.read
        self.asked: list[Prompt] = []

    async def complete(self, prompt: Prompt) -> Reply:
        self.asked.append(prompt)
        return await self._script.complete(prompt)


def desktop() -> FakeDesktop:
    lines = [
        Paper("owner", Rect(60, 60, 600, 90), "Owner Anna"),
        Paper("number", Rect(60, 100, 600, 130), f"Card {CARD} valid"),
        Paper("time", Rect(510, 6, 640, 36), "23:59"),
    ]
    return FakeDesktop([*lines, TextField("name", FIELD)], *SIZE)


@pytest.fixture
async def reader() -> AsyncGenerator[EmbeddedModel]:
    async with open_model("embedded", "", 0, lambda why: None) as model:
        assert isinstance(model, EmbeddedModel)
        yield model


async def test_nothing_of_it_is_anywhere(reader: EmbeddedModel, tmp_path: Path) -> None:
    model = Watched(reader)
    seen = " ".join(text for text, _ in await reader.read((await desktop().observe()).screen))
    assert "4111" in seen, "the engine can read it where it is not covered"
    assert "23:59" in seen
    told: list[events.EventData] = []
    shown: list[Screen] = []
    directory = await run(model, tmp_path, told, shown)
    for screen in (*shown, *(prompt.screen for prompt in model.asked)):
        pixels = np.frombuffer(screen.pixels, "<u4").reshape(SIZE[1], SIZE[0])
        assert (pixels[0:40, 500:640] == MASK_COLOUR).all()
        read = " ".join(text for text, _ in await reader.read(screen))
        assert "Owner Anna" in read, "the rest is still there"
        assert not any(char.isdigit() for char in read), read
    for prompt in model.asked:
        assert "4111" not in repr((prompt.task, prompt.history.task, prompt.history.user_messages))
        assert not any("example.org" in step.effect.output for step in prompt.history.steps)
    with SessionReader.open(directory) as recording:
        masked = [event.data for event in recording.events() if isinstance(event.data, events.Masked)]
        frames = {fact.frame for event in recording.events() if isinstance(fact := event.data, events.Observed | events.Acted)}
        for frame in frames:
            picture = recording.frame(frame)
            screen = Screen(FrameInfo(0, picture.width, picture.height, 0), picture.pixels)
            assert not any(char.isdigit() for text, _ in await reader.read(screen) for char in text)
    whys = {area.why for fact in masked for area in fact.areas} | {why for fact in masked for why in fact.texts}
    assert whys == {"region clock", "pattern card", "card", "mail"}
    for format_name in ("html", "atif", "osworld"):
        exports.export(directory, format_name, tmp_path / "out" / format_name)
    look_through(tmp_path)
    assert not any(b"4111" in HASH.sub(b"", repr(fact).encode()) for fact in told), "nor was it told"


def look_through(root: Path) -> None:
    everything = [path for path in root.rglob("*") if path.is_file()]
    assert len(everything) > 6
    for path in everything:
        data = path.read_bytes()
        assert b"4111" not in HASH.sub(b"", data), path
        assert b"anna@example" not in data, path
    page = (root / "out" / "html").read_text()
    assert "of the screen (region clock)" in page
    assert "[redacted card]" in page


async def run(model: Watched, root: Path, told: list[events.EventData], shown: list[Screen]) -> Path:
    @asynccontextmanager
    async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[FakeDesktop]:
        yield desktop()

    @asynccontextmanager
    async def give_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield model

    runner = Runner(
        SessionStore(root / "sessions"), FakeClock(), AllowAll(), listeners=[told.append], open_desktop=open_desktop,
        open_model=give_model, on_frame=lambda _, screen: shown.append(screen),
    )  # fmt: skip
    spec = DesktopSpec(*SIZE, policy_yaml=POLICY, policy_name="locked")
    result = await runner.start(RunRequest(f"pay with {CARD}", spec))
    assert (result.ended.outcome, result.steps) == ("done", 4)
    return root / "sessions" / result.session


async def test_patterns_are_refused_where_nothing_can_read(tmp_path: Path) -> None:
    @asynccontextmanager
    async def blind(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield ScriptedModel(SCRIPT)

    @asynccontextmanager
    async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[FakeDesktop]:
        yield desktop()

    runner = Runner(SessionStore(tmp_path), FakeClock(), AllowAll(), open_desktop=open_desktop, open_model=blind)
    with pytest.raises(UsageError, match="reads no text"):
        await runner.start(RunRequest("t", DesktopSpec(*SIZE, policy_yaml=POLICY, policy_name="locked")))
