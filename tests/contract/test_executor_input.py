"""Real applications get exactly what the executor was told to type, press, drag and scroll."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.executor_rig import HEIGHT, WIDTH, ExecutorRig, client, executor, window_manager, x_server
from support.recorder_page import Recorder, chromium, recorder_server

from edgeagent_harness.inside.pointing import PX_PER_NOTCH
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.geometry import Point

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

ALPHABET = "abcXYZ 0189<>&\"'`~^\\|{}[]@#€£¥éèüñçßøÅĳŐжЩяλΩאبกあいカ漢字語한국어😀🎉–—…“”„¿¡½²∑√∞≠\u00a0\u00ad\u0301\u200d\n\t"
TEXTS = [
    "Hello <b>World</b> & \"quotes\" 'single' \\ back`tick ~^ {[(|)]}",
    "Grüße aus Łódź, Ærøskøbing & São Tomé: 100 € – ½ ∞",
    "漢字かなカナ한글العربيةעברית",
    "😀🎉👩\u200d💻 🏳️\u200d🌈",
    "first line\nsecond line\twith tab",
    "".join(chr(0x4E00 + i) for i in range(60)),
    *("".join(random.Random(seed).choices(ALPHABET, k=120)) for seed in range(4)),
]


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with x_server() as name:
        yield name


@pytest.fixture(scope="module")
def page(display: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ExecutorRig, Recorder]]:
    """An executor, and a recorder page in Chromium with a window manager around it."""
    home = tmp_path_factory.mktemp("chromium")
    with (
        recorder_server() as (recorder, url),
        window_manager(display, home),
        executor(display) as rig,
        chromium(url, display, home),
    ):
        recorder.wait("ready", timeout_s=30)
        rig.wait_until_drawn()
        yield rig, recorder


def clear(rig: ExecutorRig, recorder: Recorder) -> None:
    """Empty the text field and keep the focus in it."""
    rig.do(act.Batch((act.Click(Point(300, 75)), act.Key(("ctrl", "a")), act.Key(("Delete",)))))
    recorder.forget()


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_chromium_gets_the_exact_text(page: tuple[ExecutorRig, Recorder], text: str) -> None:
    rig, recorder = page
    clear(rig, recorder)
    assert rig.do(act.Type(text)).reason == ""
    recorder.wait("text", lambda fact: fact["value"] == text)


def test_submit_presses_return_and_long_text_is_exact(page: tuple[ExecutorRig, Recorder]) -> None:
    rig, recorder = page
    clear(rig, recorder)
    rig.do(act.Type("x\r\ny" * 40, submit=True))
    recorder.wait("text", lambda fact: fact["value"] == "x\ny" * 40 + "\n")


def test_mousepad_gets_the_exact_text(tmp_path: Path) -> None:
    saved = tmp_path / "saved.txt"
    saved.write_text("")
    with (
        x_server() as display,
        window_manager(display, tmp_path),
        executor(display) as rig,
        client(["mousepad", str(saved)], display, tmp_path, GTK_A11Y="none", NO_AT_BRIDGE="1"),
    ):
        rig.wait_until_drawn()
        rig.do(act.Click(Point(WIDTH / 2, HEIGHT / 2)))
        for text in TEXTS:
            keys = (act.Key(("ctrl", "a")), act.Key(("delete",)), act.Type(text), act.Key(("ctrl", "s")))
            assert rig.do(act.Batch(keys)).reason == ""
            end = time.monotonic() + 5
            while saved.read_text() != text and time.monotonic() < end:
                time.sleep(0.02)
            assert saved.read_text() == text


@pytest.mark.parametrize(
    ("keys", "key", "flags"),
    [
        (("ctrl", "b"), "b", ["ctrlKey"]),
        (("CTRL", "Shift", "K"), "K", ["ctrlKey", "shiftKey"]),
        (("alt", "x"), "x", ["altKey"]),
        (("Page_Down",), "PageDown", []),
        (("pgup",), "PageUp", []),
        (("arrowleft",), "ArrowLeft", []),
        (("esc",), "Escape", []),
        (("f8",), "F8", []),
        (("KP_5",), "5", []),
        (("A",), "A", ["shiftKey"]),
        (("?",), "?", ["shiftKey"]),
    ],
    ids=str,
)
def test_chords(page: tuple[ExecutorRig, Recorder], keys: tuple[str, ...], key: str, flags: list[str]) -> None:
    rig, recorder = page
    clear(rig, recorder)
    assert rig.do(act.Key(keys)).reason == ""
    fact = recorder.wait("keydown", lambda fact: fact["key"] == key)
    assert fact["flags"] == flags
    assert rig.held().keys == ()


def test_a_key_that_the_keyboard_lacks(page: tuple[ExecutorRig, Recorder]) -> None:
    rig, recorder = page
    clear(rig, recorder)
    rig.do(act.Batch((act.Key(("ĝ",), repeat=2), act.Key(("Greek_lambda",)))))
    recorder.wait("text", lambda fact: fact["value"] == "ĝĝλ")


def test_repeat_and_hold(page: tuple[ExecutorRig, Recorder]) -> None:
    rig, recorder = page
    clear(rig, recorder)
    rig.do(act.Key(("a",), repeat=7))
    recorder.wait("text", lambda fact: fact["value"] == "a" * 7)
    recorder.forget()
    rig.do(act.HoldKey(("b",), duration_ms=900))
    recorder.wait("keydown", lambda fact: fact["repeat"])


def test_key_down_and_up_around_a_click(page: tuple[ExecutorRig, Recorder]) -> None:
    rig, recorder = page
    recorder.forget()
    rig.do(act.KeyDown("shift"))
    assert len(rig.held().keys) == 1
    rig.do(act.Click(Point(350, 220)))
    rig.do(act.KeyUp("shift"))
    assert recorder.wait("click")["flags"] == ["shiftKey"]
    assert rig.held().keys == ()


def test_clicks(page: tuple[ExecutorRig, Recorder]) -> None:
    rig, recorder = page
    recorder.forget()
    rig.do(act.Click(Point(350, 220), modifiers=("ctrl",)))
    assert recorder.wait("click") | {"count": 0} == {
        "kind": "click", "id": "button", "x": 350, "y": 220, "button": 0, "detail": 1, "flags": ["ctrlKey"], "count": 0,
    }  # fmt: skip
    time.sleep(0.6)
    rig.do(act.Click(Point(350, 221), count=2))
    recorder.wait("dblclick")
    rig.do(act.Click(Point(350, 222), button="right"))
    assert recorder.wait("contextmenu")["button"] == 2
    rig.do(act.Click(Point(350, 223), button="middle"))
    assert recorder.wait("auxclick", lambda fact: fact["button"] == 1)["y"] == 223


def test_pointer_drag_moves_through_the_path(page: tuple[ExecutorRig, Recorder]) -> None:
    rig, recorder = page
    recorder.forget()
    rig.do(act.Drag((Point(90, 240), Point(290, 300), Point(190, 500))))
    fact = recorder.wait("moved")
    assert (fact["left"], fact["top"]) == (150, 460)
    assert fact["moves"] >= 5
    rig.do(act.Drag((Point(190, 500), Point(90, 240))))


def test_html5_drag_and_drop(page: tuple[ExecutorRig, Recorder]) -> None:
    rig, recorder = page
    recorder.forget()
    rig.do(act.Drag((Point(90, 370), Point(470, 370))))
    assert recorder.wait("dropped")["what"] == "card"


def test_scroll(page: tuple[ExecutorRig, Recorder]) -> None:
    rig, recorder = page
    recorder.forget()
    rig.do(act.Scroll(Point(690, 300), dy=2))
    recorder.wait("scroll", lambda fact: fact["top"] == 2 * PX_PER_NOTCH)
    rig.do(act.Scroll(Point(690, 300), dy=-200))
    recorder.wait("scroll", lambda fact: fact["top"] == 0)
    rig.do(act.Scroll(Point(690, 300), dx=3))
    recorder.wait("scroll", lambda fact: fact["left"] > 0)
    rig.do(act.Scroll(Point(690, 300), dy=270, unit="px"))
    recorder.wait("scroll", lambda fact: fact["top"] == 2 * PX_PER_NOTCH)


def test_clipboard_both_ways(page: tuple[ExecutorRig, Recorder]) -> None:
    rig, recorder = page
    clear(rig, recorder)
    rig.do(act.ClipboardWrite("über 漢字 😀"))
    assert rig.do(act.ClipboardRead()).output == "über 漢字 😀"
    rig.do(act.Key(("ctrl", "v")))
    recorder.wait("text", lambda fact: fact["value"] == "über 漢字 😀")
    rig.do(act.Batch((act.Type("más"), act.Key(("ctrl", "a")), act.Key(("ctrl", "c")))))
    end = time.monotonic() + 5
    while (copied := rig.do(act.ClipboardRead()).output) != "über 漢字 😀más":  # the page copies when it comes to it
        assert time.monotonic() < end, copied
