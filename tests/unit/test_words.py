"""Actions and effects read as short, printable sentences, whatever text a screen or a model put into them."""

from __future__ import annotations

from typing import get_args

import pytest

from edgeagent import words
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_models.protocol import Element

BOX = Rect(100, 100, 200, 130)
SUBMIT = Element(3, "button", BOX, text="Submit")
NAME = Element(4, "text_field", BOX, text="old", label="Name")
AT = Point(150, 115)
CLEAR_AND_TYPE = act.Batch((act.Click(AT), act.Key(("ctrl", "a")), act.Type("Zoë")))
LIST = Element(5, "select", BOX, text="Red", label="Colour")
CHOOSE = act.Batch((act.Click(AT), act.Wait(120), act.Type("Blue"), act.Key(("Return",))))

SENTENCES: list[tuple[act.Action, Element | None, str]] = [
    (act.Screenshot(), None, "look at the screen"),
    (act.Zoom(BOX), None, "look closely at 100x30 px at (100, 100)"),
    (act.Move(AT), None, "move to (150, 115)"),
    (act.Click(AT), SUBMIT, "click button 'Submit'"),
    (act.Click(Point(500, 250, "model"), "right"), None, "right click (500, 250) model"),
    (act.Click(AT, count=2, modifiers=("ctrl",)), SUBMIT, "Ctrl+double-click button 'Submit'"),
    (act.MouseDown(), None, "press the left button"),
    (act.MouseUp("middle"), None, "release the middle button"),
    (act.Drag((AT, Point(300.5, 20))), None, "drag (150, 115) to (300, 20)"),
    (act.Scroll(AT, dy=3), None, "scroll down 3 lines at (150, 115)"),
    (act.Scroll(AT, dx=-120, dy=-5, unit="px"), SUBMIT, "scroll up 5 and left 120 px at button 'Submit'"),
    (act.Type("Zoë"), NAME, "type 'Zoë' into field 'Name'"),
    (act.Type("a\nb", submit=True), None, "type 'a\\nb' and press Enter"),
    (act.Type(secret_ref="bank"), NAME, "type the secret 'bank' into field 'Name'"),
    (act.Key(("ctrl", "shift", "s")), None, "press Ctrl+Shift+S"),
    (act.Key(("Next",), repeat=3), None, "press Page Down 3 times"),
    (act.KeyDown("Shift_L"), None, "hold Shift down"),
    (act.KeyUp("a"), None, "release A"),
    (act.HoldKey(("w",), 1500), None, "hold W for 1.50 s"),
    (act.Wait(500), None, "wait 500 ms"),
    (act.WaitUntil("changed"), None, "wait until the screen changes, at most 5.00 s"),
    (act.CursorPosition(), None, "ask where the pointer is"),
    (act.ClipboardRead(), None, "read the clipboard"),
    (act.ClipboardWrite("x"), None, "copy 'x' to the clipboard"),
    (act.OpenApp("mousepad"), None, "open application 'mousepad'"),
    (act.OpenUrl("file:///x"), None, "open 'file:///x'"),
    (act.Back(), None, "go back"),
    (act.Home(), None, "press the home button"),
    (act.LongPress(AT), SUBMIT, "press button 'Submit' for 800 ms"),
    (act.AskUser("Which one?"), None, "ask the user 'Which one?'"),
    (act.Memorize("42"), None, "remember '42'"),
    (act.Answer("42"), None, "answer '42'"),
    (act.Finish(), None, "finish: done"),
    (act.Finish("failed", "no such page"), None, "give up ('no such page')"),
    (CLEAR_AND_TYPE, NAME, "type 'Zoë' into field 'Name'"),
    (act.Batch((*CLEAR_AND_TYPE.actions, act.Key(("Return",)))), NAME, "type 'Zoë' into field 'Name' and press Enter"),
    (CHOOSE, LIST, "choose 'Blue' in list 'Colour'"),
    (act.Batch((act.Key(("tab",)), act.Type("x"))), NAME, "press Tab, then type 'x' into field 'Name'"),
    (CLEAR_AND_TYPE, None, "click (150, 115), then press Ctrl+A, then type 'Zoë'"),
]


@pytest.mark.parametrize(("action", "target", "sentence"), SENTENCES, ids=[row[2] for row in SENTENCES])
def test_sentence(action: act.Action, target: Element | None, sentence: str) -> None:
    assert words.describe(action, target) == sentence


def test_every_action_has_a_sentence_above() -> None:
    assert {type(row[0]) for row in SENTENCES} == set(get_args(act.Action))


def test_hostile_text_stays_on_one_printable_line() -> None:
    hostile = "a\x1b[2J\u202egnp.exe\r\n\x00" + "x" * 500
    for action in (act.Type(hostile), act.OpenUrl(hostile), act.Key((hostile[:32],))):
        sentence = words.describe(action, Element(0, "button", BOX, text=hostile))
        assert sentence.isprintable()
        assert len(sentence) < 300


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert words.quote("x" * 100, max_chars=5) == "'xxxx…'"


def test_emoji_sequences_stay_whole() -> None:
    assert words.quote("👩\u200d🚀") == "'👩\u200d🚀'"


@pytest.mark.parametrize(
    ("effect", "badge"),
    [
        (Effect("confirmed"), "confirmed"),
        (Effect("suspected_noop"), "no visible effect"),
        (Effect("refused", "stale"), "refused (stale)"),
        (Effect("refused"), "refused"),
    ],
)
def test_effect_words(effect: Effect, badge: str) -> None:
    assert words.effect_words(effect) == badge


@pytest.mark.parametrize(
    ("value_ms", "shown"), [(0.42, "0.4 ms"), (38.4, "38 ms"), (999.6, "1.00 s"), (1250, "1.25 s"), (125_000, "2 min 5 s")]
)
def test_durations(value_ms: float, shown: str) -> None:
    assert words.milliseconds(value_ms) == shown


def test_nothing_from_a_screen_commands_the_terminal() -> None:
    assert (
        words.printable("done\x1b]0;owned\x07\r\n\tcafé 日本 \u202eevil") == "done\\x1b]0;owned\\x07\\r\n\tcafé 日本 \\u202eevil"
    )


def test_what_was_no_text_is_one_mark() -> None:
    assert words.printable(b"caf\xff\xfe\xfdA\xff".decode(errors="replace")) == "caf\ufffdA\ufffd"
