"""Windows are known again, fitted and put back as far as a desktop lets them; what was not put back is said; no value harms."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from support.bundles import KEY, SESSION, Chunks
from support.recorded import record

from edgeagent import events
from edgeagent.errors import BundleRefused, DesktopLost
from edgeagent.ports import Look
from edgeagent.recording.log import LOG_NAME, EventLog
from edgeagent.teleport.manifest import canonical, sign, verify
from edgeagent.teleport.plan import make_plan
from edgeagent.teleport.telling import plan_lines
from edgeagent.teleport.unpacking import unpack
from edgeagent.teleport.windows import fitted, known_again, left_by, noted, put_back
from edgeagent.testing import FakeClock, FakeDesktop
from edgeagent_harness.protocol.messages import Arranged, SettleSpec
from edgeagent_harness.protocol.windows import MAX_WINDOWS, PlacedWindow

SIZE = (320, 200)
NOTES = PlacedWindow(10, 20, 100, 80, "Mousepad", "notes.txt - Mousepad")
LIST = PlacedWindow(60, 50, 200, 120, "Mousepad", "list.txt - Mousepad", focused=True)
PAGE = PlacedWindow(0, 0, 320, 200, "Chromium", "A page", "maximized")


@dataclass
class WindowedDesktop(FakeDesktop):
    """A desktop in memory whose windows go where they are told, but those of ``stubborn`` classes."""

    there: list[PlacedWindow] = field(default_factory=list[PlacedWindow])
    stubborn: tuple[str, ...] = ()
    asked: int = 0
    lost: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self.there = [msgspec.structs.replace(window, id=number) for number, window in enumerate(self.there, start=1)]

    async def arrange(self, windows: tuple[PlacedWindow, ...] = ()) -> Arranged:
        if self.lost:
            raise DesktopLost("it is gone")
        self.asked += bool(windows)
        for wanted in windows:
            [old] = [window for window in self.there if window.id == wanted.id]
            self.there.remove(old)
            kept = old if old.window_class in self.stubborn else wanted
            self.there.append(msgspec.structs.replace(kept, title=old.title, focused=wanted.focused))
        return Arranged(1, tuple(self.there))

    async def observe(self, settle: SettleSpec | None = None) -> Look:
        return await super().observe(settle)


def left(*windows: PlacedWindow, size: tuple[int, int] = SIZE) -> events.WindowsLeft:
    return events.WindowsLeft(*size, windows)


def moved(window: PlacedWindow, **changes: object) -> PlacedWindow:
    return msgspec.structs.replace(window, **changes)


async def test_windows_that_opened_elsewhere_are_put_where_they_were_and_above_one_another_as_they_were() -> None:
    opened = (moved(LIST, state="maximized", focused=False), moved(PAGE, focused=True), moved(NOTES, x=0))
    desktop = WindowedDesktop(there=list(opened))
    assert await put_back(desktop, left(PAGE, NOTES, LIST), SIZE) == "3 of 3 windows are where they were"
    assert [msgspec.structs.replace(window, id=0) for window in desktop.there] == [PAGE, NOTES, LIST]


async def test_where_all_is_as_it_was_nothing_is_moved() -> None:
    desktop = WindowedDesktop(there=[NOTES, LIST])
    assert await put_back(desktop, left(NOTES, LIST), SIZE) == "2 of 2 windows are where they were"
    assert desktop.asked == 0


async def test_the_stacking_alone_is_put_right_too() -> None:
    desktop = WindowedDesktop(there=[LIST, NOTES])
    await put_back(desktop, left(NOTES, LIST), SIZE)
    assert [window.title for window in desktop.there] == [NOTES.title, LIST.title]


async def test_what_is_not_there_or_does_not_move_is_said() -> None:
    desktop = WindowedDesktop(there=[moved(PAGE, state="normal", width=50), NOTES], stubborn=("Chromium",))
    said = await put_back(desktop, left(PAGE, NOTES, LIST), SIZE)
    assert said == "1 of 3 windows are where they were; elsewhere: Chromium 'A page'; not open: Mousepad 'list.txt - Mousepad'"
    assert desktop.asked <= 4


async def test_a_smaller_screen_is_said() -> None:
    desktop = WindowedDesktop(there=[moved(NOTES, x=3)])
    said = await put_back(desktop, left(moved(NOTES, x=1100), size=(1280, 800)), SIZE)
    assert said == "1 of 1 windows are where they were; 1 of them moved or made smaller to fit 320x200"
    assert (desktop.there[0].x, desktop.there[0].y) == (220, 20)


@pytest.mark.parametrize("seed", range(200))
def test_whatever_a_place_says_it_is_seen_on_the_screen(seed: int) -> None:
    rng = random.Random(seed)
    corner, extent = (lambda: rng.choice((-0x8000, -1, 0, 1, 500, 0x7FFF))), (lambda: rng.choice((1, 2, 300, 0xFFFF)))
    window = PlacedWindow(corner(), corner(), extent(), extent())
    there = rng.choice((SIZE, (1280, 800), (1, 1)))
    now = fitted(window, there, SIZE)
    seen = (min(now.x + now.width, SIZE[0]) - max(now.x, 0), min(now.y + now.height, SIZE[1]) - max(now.y, 0))
    assert min(seen) > 0
    if now != window:
        assert min(now.x, now.y, SIZE[0] - now.x - now.width, SIZE[1] - now.y - now.height) >= 0


def test_a_title_that_changed_a_little_is_known_and_none_is_taken_twice() -> None:
    list_now, notes_now = (moved(window, title=f"*{window.title}") for window in (LIST, NOTES))
    assert known_again([NOTES, LIST], [list_now, notes_now]) == [(NOTES, notes_now), (LIST, list_now)]
    assert known_again([NOTES, NOTES], [NOTES]) == [(NOTES, NOTES)]
    assert known_again([NOTES], [PAGE]) == []


async def test_a_desktop_that_says_nothing_or_is_gone_leaves_nothing() -> None:
    assert await noted(FakeDesktop(), SIZE) is None
    assert await noted(WindowedDesktop(there=[NOTES], lost=True), SIZE) is None
    assert await noted(WindowedDesktop(there=[NOTES]), SIZE, titles=False) == left(moved(NOTES, title=""))


def test_what_a_run_left_counts_until_the_next_begins() -> None:
    was = left(NOTES)
    assert left_by([events.RunStarted("new"), was, events.HandedOver("there", 1)]) == was
    for later in (events.RunStarted("resumed"), events.Rewound(0, 2, "restored"), events.Forked("other", 1, "restored")):
        assert left_by([was, later]) is None


async def recorded(tmp_path: Path, *facts: events.EventData) -> Path:
    directory = await record(tmp_path / SESSION, model="embedded")
    (directory / "home").mkdir()
    log, _ = EventLog.open(directory / LOG_NAME, SESSION, FakeClock())
    with log:
        for fact in facts:
            log.append(fact)
    return directory


async def test_a_manifest_says_where_windows_are_and_shows_it_on_one_line_each(tmp_path: Path) -> None:
    evil = moved(NOTES, title="a\nb\x1b[2J" + "x" * 400, window_class="Mouse\npad")
    plan = make_plan(await recorded(tmp_path, left(evil, PAGE)))
    assert (plan.manifest.format, plan.manifest.windows) == (3, (evil, PAGE))
    assert verify(sign(plan.manifest, KEY))[0] == plan.manifest
    shown = [line.text for line in plan_lines(plan) if "Mouse\\npad" in line.text]
    assert len(shown) == 1
    assert shown[0].isprintable()
    assert "100x80 at 10,20" in shown[0]
    assert sum("Chromium 'A page': maximized" in line.text for line in plan_lines(plan)) == 1


async def test_windows_that_the_log_does_not_know_are_refused(tmp_path: Path) -> None:
    plan = make_plan(await recorded(tmp_path, left(NOTES)))
    for harmed in (msgspec.UNSET, (LIST,), (NOTES, NOTES)):
        manifest = msgspec.structs.replace(plan.manifest, windows=harmed)
        with pytest.raises(BundleRefused, match="windows are not those"):
            unpack(manifest, Chunks(plan), tmp_path / "room")
        assert not (tmp_path / "room").exists()
    unpack(plan.manifest, Chunks(plan), tmp_path / "room")


@pytest.mark.parametrize(
    "harm",
    [
        {"x": 1 << 20}, {"width": 0}, {"width": -5}, {"height": 1 << 17}, {"state": "gone"}, {"title": "x" * 501}, {"x": 1.5},
        {"id": -1}, {"more": 1}, {"title": 3}, {"focused": "yes"},
    ],
)  # fmt: skip
async def test_a_place_that_is_none_is_refused(harm: dict[str, object], tmp_path: Path) -> None:
    manifest = make_plan(await recorded(tmp_path, left(NOTES))).manifest
    raw = msgspec.json.decode(canonical(manifest))
    raw["windows"][0] |= harm
    with pytest.raises(BundleRefused, match="no signed manifest"):
        verify(_signed(raw))
    raw["windows"] = [msgspec.to_builtins(NOTES)] * (MAX_WINDOWS + 1)
    with pytest.raises(BundleRefused, match="no signed manifest"):
        verify(_signed(raw))


def _signed(raw: object) -> bytes:
    line = msgspec.json.encode(raw, order="sorted")
    signature = KEY.sign(b"edgeagent bundle manifest\n" + line).signature.hex()
    said = {"algorithm": "ed25519", "public_key": bytes(KEY.verify_key).hex(), "signature": signature}
    return line + b"\n" + msgspec.json.encode(said) + b"\n"
