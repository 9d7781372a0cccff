"""What the tiny model is asked for, and in which words. What is held out is never seen in training, neither drawn nor asked."""

from __future__ import annotations

import random

COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 160, 50),
    "blue": (40, 70, 220),
    "yellow": (240, 215, 30),
    "orange": (250, 140, 20),
    "purple": (140, 40, 180),
    "black": (20, 20, 20),
    "pink": (250, 130, 190),
}
SHAPES = ("circle", "square", "triangle", "star", "cross")
PAIRS = tuple((colour, shape) for colour in COLOURS for shape in SHAPES)
HELD_OUT_PAIRS = (("red", "star"), ("green", "circle"), ("blue", "triangle"), ("orange", "square"), ("purple", "cross"))
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_WORDS = """
OK Cancel Save Open Close Help Next Back Yes No Print Send Apply Reset Submit Login Logout Search Add Remove Edit View
Copy Paste Cut Undo Redo Find Replace Insert Format Tools Window File Home Share Upload Download Import Export Start
Stop Pause Play Record Skip Finish Exit Continue Retry Ignore Abort Accept Decline Agree Confirm Update Install Refresh
Reload Connect Sync Sign Join Leave Create New Buy Pay Cart Checkout Order Ship Track Filter Sort Select Clear Browse
Preview Zoom Rotate Crop Resize Archive Move Rename Restore Backup Settings Options Profile Account Inbox Draft Reply
Forward Mark Pin Follow Block Report Mute Lock Unlock Enable Disable More Less Details Done
"""
HELD_OUT_LABELS = ("Delete", "Publish", "Merge", "Quit", "Login", "Sort", "Done", "Export", "Lock", "Reply", "Yes", "Zoom")
LABELS = tuple(word for word in dict.fromkeys(_WORDS.split()) if word not in HELD_OUT_LABELS)

_BEFORE = (
    "click ", "click on ", "press ", "tap ", "tap on ", "select ", "choose ", "hit ", "push ", "please click ", "please press ",
    "now click ", "find and click ", "go to ", "point at ", "use ",
)  # fmt: skip
_AFTER = ("", "", "", "", ".", " now", " please")
_SHAPE = ("the {0} {1}", "the {0} {1}", "{0} {1}", "the {1} that is {0}", "the {1} in {0}")
_LETTER = ("the letter {0}", "the letter {0}", "letter {0}", "the {0}")
_BUTTON = ("the {0} button", "the {0} button", "the button {0}", "the button labelled {0}", "button {0}", "{0}")


def _asked(rng: random.Random, thing: str) -> str:
    text = rng.choice(_BEFORE) + thing + rng.choice(_AFTER)
    return text[0].upper() + text[1:] if rng.random() < 0.4 else text


def ask_shape(rng: random.Random, colour: str, shape: str) -> str:
    return _asked(rng, rng.choice(_SHAPE).format(colour, shape))


def ask_letter(rng: random.Random, letter: str) -> str:
    return _asked(rng, rng.choice(_LETTER).format(letter))


def ask_button(rng: random.Random, label: str) -> str:
    return _asked(rng, rng.choice(_BUTTON).format(label))


def corpus(rng: random.Random) -> list[str]:
    """Texts that the tokenizer's merges are made from: the wording itself; labels stay spelled out, so new ones can be read."""
    texts = ["user\n", "assistant\n"] * 200
    for colour, shape in PAIRS:
        texts += [ask_shape(rng, colour, shape) for _ in range(40)]
    texts += [ask_letter(rng, "") for _ in range(400)] + [ask_button(rng, "") for _ in range(800)]
    return texts
