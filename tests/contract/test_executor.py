"""The executor keeps its protocol: guards are exact, refusals send nothing, a cancel or a lost supervisor releases everything."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator

import msgspec
import pytest
from support.executor_rig import HEIGHT, WIDTH, ExecutorRig, executor, x_server
from support.painter import Painter
from support.stand_in_desktop import down
from support.xclient import connect
from Xlib import X

from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.effects import RefusalReason
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.wire import HEADER

pytestmark = pytest.mark.sandbox

BOX = Rect(200, 100, 360, 160)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with x_server() as name:
        yield name


@pytest.fixture(scope="module")
def rig(display: str) -> Iterator[ExecutorRig]:
    with executor(display) as rig:
        yield rig


# -- the guard ------------------------------------------------------------------------------------------------------------


def test_no_press_lands_on_pixels_that_were_not_seen(display: str, rig: ExecutorRig) -> None:
    painter = Painter(display, BOX, pace_s=0.008)
    painter.start()
    seen: list[int] = []
    refused = 0
    for _ in range(400):
        pixels = rig.pixels(BOX)
        did = rig.do(act.Click(BOX.centre), wire.SeenRegion(BOX, wire.pixel_digest(pixels)))
        if did.performed:
            seen.append(int.from_bytes(pixels[:3], "little"))
        else:
            assert did.reason == "stale"
            refused += 1
    time.sleep(0.1)
    painter.stop()
    assert painter.drawn_at_press == seen
    assert len(seen) > 20
    assert refused > 20


def test_a_guard_works_for_regions_of_any_size_and_every_pixel_counts(display: str, rig: ExecutorRig) -> None:
    for region in (Rect(0, 0, 1, 1), Rect(0, 0, WIDTH, HEIGHT), Rect(3, 5, 203, 405), Rect(WIDTH - 1, 0, WIDTH, HEIGHT)):
        assert rig.do(act.Move(Point(1, 1)), rig.seen(region)).reason == ""
    region = Rect(100, 100, 300, 200)
    other = bytearray(rig.pixels(region))
    other[-2] ^= 1
    assert rig.do(act.Move(Point(1, 1)), wire.SeenRegion(region, wire.pixel_digest(other))).reason == "stale"


@pytest.mark.parametrize("region", [Rect(0, 0, 0, 9), Rect(-1, 0, 9, 9), Rect(0, 0, WIDTH + 1, 9)])
def test_a_guard_off_the_screen_is_invalid(rig: ExecutorRig, region: Rect) -> None:
    did = rig.do(act.Move(Point(1, 1)), wire.SeenRegion(region, bytes(wire.DIGEST_BYTES)))
    assert (did.reason, did.performed) == ("invalid", False)


def test_a_guarded_double_click_is_sent_whole(display: str, rig: ExecutorRig) -> None:
    painter = Painter(display, BOX, pace_s=3600)
    painter.start()
    did = rig.do(act.Click(BOX.centre, count=2), rig.seen(BOX))
    time.sleep(0.1)
    painter.stop()
    assert did.reason == ""
    assert len(painter.drawn_at_press) == 2


def test_a_guarded_key_waits_for_no_application_while_the_server_is_grabbed(rig: ExecutorRig) -> None:
    did = rig.do(act.Type("漢字é" * 5), rig.seen(BOX))
    assert did.reason == ""
    assert did.act_ms < 2000


# -- refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (act.Click(Point(WIDTH, 5)), "out_of_bounds"),
        (act.Click(Point(-1, 5)), "out_of_bounds"),
        (act.Drag((Point(5, 5), Point(5, HEIGHT))), "out_of_bounds"),
        (act.Click(Point(5, 5, "model")), "invalid"),
        (act.Click(Point(5, 5, display=1)), "invalid"),
        (act.Click(Point(5, 5), modifiers=("hyper+",)), "bad_key"),
        (act.Key(("ctrl", "nokey")), "bad_key"),
        (act.KeyDown("\x07"), "bad_key"),
        (act.Type("bell\x07"), "invalid"),
        (act.Type(secret_ref="password"), "unsupported"),
        (act.OpenApp("xterm"), "unsupported"),
        (act.Home(), "unsupported"),
        (act.Finish(), "unsupported"),
        (act.Batch((act.Click(Point(5, 5)), act.Key(("nokey",)))), "bad_key"),
    ],
    ids=lambda value: value if isinstance(value, str) else act.action_kind(value),
)
def test_what_cannot_be_done_is_refused_before_anything_is_sent(
    rig: ExecutorRig, action: act.Action, reason: RefusalReason
) -> None:
    before = rig.held()
    did = rig.do(action)
    assert (did.reason, did.performed) == (reason, False)
    assert did.message
    assert rig.held() == msgspec.structs.replace(before, id=before.id + 2)


def test_a_malformed_request_is_answered_and_survived(rig: ExecutorRig) -> None:
    for body in (
        b"\xc1",
        msgspec.msgpack.encode({"type": "grab", "id": 1, "extra": 2}),
        msgspec.msgpack.encode({"type": "nope"}),
    ):
        rig.send_raw(HEADER.pack(len(body)) + body)
        assert isinstance(rig.read(), wire.ExecutorFailed)
    assert len(rig.grab()) == WIDTH * HEIGHT * 4


def test_an_oversized_request_ends_the_executor(display: str) -> None:
    with executor(display) as rig:
        rig.send_raw(HEADER.pack(wire.MAX_EXECUTOR_MESSAGE_BYTES + 1))
        with pytest.raises((EOFError, ConnectionResetError)):
            rig.read()


# -- holding and cancelling ---------------------------------------------------------------------------------------------------

LONG_ACTIONS: list[act.Action] = [
    act.HoldKey(("ctrl", "shift", "a"), duration_ms=20_000),
    act.LongPress(Point(50, 50), duration_ms=20_000),
    act.Drag((Point(50, 50), Point(700, 500)), duration_ms=20_000, modifiers=("shift",)),
    act.Scroll(Point(50, 50), dy=10_000, modifiers=("ctrl",)),
    act.Type("word " * 4000),
    act.Key(("a",), repeat=100),
    act.Wait(20_000),
    act.Batch((act.KeyDown("alt"), act.MouseDown(), act.Wait(20_000))),
]


@pytest.mark.parametrize("action", LONG_ACTIONS, ids=act.action_kind)
def test_cancel_stops_any_action_and_releases_everything(display: str, rig: ExecutorRig, action: act.Action) -> None:
    request_id = rig.start(action)
    time.sleep(0.15)
    rig.send(wire.Cancel(rig.new_id()))
    assert isinstance(rig.read(), wire.HeldNow)
    did = rig.read()
    assert isinstance(did, wire.Did)
    assert (did.id, did.reason, did.performed) == (request_id, "cancelled", True)
    assert did.act_ms < 5_000
    assert down(display) == (0, 0)
    assert rig.do(act.Move(Point(5, 5))).reason == ""


def test_what_is_held_is_told_even_while_an_action_is_under_way(display: str, rig: ExecutorRig) -> None:
    rig.do(act.Batch((act.Move(Point(70, 80)), act.KeyDown("shift"), act.MouseDown("left"))))
    held = rig.held()
    assert (len(held.keys), held.buttons, held.x, held.y) == (1, (1,), 70, 80)
    assert down(display) == (1, 1)
    rig.start(act.Wait(20_000))
    assert rig.held().buttons == (1,)
    rig.send(wire.ReleaseAll(rig.new_id()))
    released = rig.read()
    assert isinstance(released, wire.HeldNow)
    assert released.buttons == (1,)
    rig.read()
    assert down(display) == (0, 0)


def test_a_lost_supervisor_releases_everything_and_restores_the_keymap() -> None:
    with x_server() as display:
        check_a_lost_supervisor(display)


def check_a_lost_supervisor(display: str) -> None:
    def keymap() -> list[list[int]]:
        connection = connect(display)
        rows = [list(row) for row in connection.get_keyboard_mapping(8, 248)]
        connection.close()
        return rows

    original = keymap()
    with executor(display) as rig:
        rig.do(act.Batch((act.KeyDown("ctrl"), act.MouseDown("right"), act.Type("漢字"))))
        assert down(display) == (1, 1)
        assert keymap() != original
    assert down(display) == (0, 0)
    assert keymap() == original


def test_an_executor_started_later_releases_what_an_earlier_one_left_down(display: str) -> None:
    subprocess.run(["xdotool", "keydown", "shift", "mousedown", "1"], env={"DISPLAY": display}, check=True)
    assert down(display) == (1, 1)
    with executor(display):
        assert down(display) == (0, 0)


def test_a_window_that_never_answers_and_then_vanishes_is_survived(display: str, rig: ExecutorRig) -> None:
    connection = connect(display)
    root = connection.screen().root
    protocols, ping = connection.intern_atom("WM_PROTOCOLS"), connection.intern_atom("_NET_WM_PING")
    window = root.create_window(0, 0, 50, 50, 0, X.CopyFromParent, override_redirect=True)
    window.change_property(protocols, connection.intern_atom("ATOM"), 32, [ping])
    window.map()
    connection.sync()
    window.set_input_focus(X.RevertToNone, X.CurrentTime)
    connection.sync()
    request_id = rig.start(act.Type("a" * 80))
    time.sleep(0.3)
    window.destroy()
    connection.sync()
    connection.close()
    did = rig.read()
    assert isinstance(did, wire.Did)
    assert (did.id, did.reason) == (request_id, "")
    assert rig.do(act.Key(("a",))).reason == ""


# -- clipboard and pointer ------------------------------------------------------------------------------------------------------


def xclip(display: str, *arguments: str, text: str | None = None) -> str:
    argv = ["xclip", "-selection", "clipboard", *arguments]
    done = subprocess.run(argv, env={"DISPLAY": display}, input=text, stdout=subprocess.PIPE if text is None else None, text=True)
    return done.stdout or ""


def test_the_clipboard_is_shared_with_other_programs(display: str, rig: ExecutorRig) -> None:
    rig.do(act.ClipboardWrite("von uns: ü漢😀"))
    assert xclip(display, "-o", "-target", "UTF8_STRING") == "von uns: ü漢😀"
    for text in ("from there: ß漢😀", "x" * 100_000):
        xclip(display, "-in", text=text)
        # xclip returns before it has taken the clipboard over.
        end = time.monotonic() + 5
        while (output := rig.do(act.ClipboardRead()).output) != text and time.monotonic() < end:
            time.sleep(0.02)
        assert output == text


def test_the_pointer_says_where_it_is(rig: ExecutorRig) -> None:
    rig.do(act.Move(Point(123.9, 45.2)))
    output = rig.do(act.CursorPosition()).output
    assert re.fullmatch(r"\d+,\d+", output)
    assert output == "123,45"
