"""Labels that training draws on buttons: real words, and made-up ones beside them, so that reading is learned and not a list."""

from __future__ import annotations

import random

from vlm_training.wording import HELD_OUT_LABELS, LABELS

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_VOWELS = "aeiou"
_REAL = 0.5
_ALIKE = 0.4
"""Share of screens on which labels look like each other."""
_KEPT_OUT = {label.lower() for label in HELD_OUT_LABELS}


def labels(rng: random.Random, count: int) -> list[str]:
    """At most ``count`` different labels for one screen; none is held out."""
    alike = rng.random() < _ALIKE
    found: list[str] = []
    for _ in range(count):
        if alike and found and rng.random() < 0.6:
            label = _near(rng, found[-1])
        else:
            label = rng.choice(LABELS) if rng.random() < _REAL else made_up(rng)
        if label.lower() not in {other.lower() for other in found} | _KEPT_OUT:
            found.append(label)
    return found


def made_up(rng: random.Random) -> str:
    """A word of two to eight letters that nobody knows, or a real one with letters changed."""
    if rng.random() < 0.5:
        return _changed(rng, rng.choice(LABELS), rng.randint(1, 3))
    start = rng.randint(0, 1)
    length = rng.randint(2, 8)
    sounded = (rng.choice(_VOWELS if (place + start) % 2 and rng.random() < 0.8 else _ALPHABET) for place in range(length))
    return "".join(sounded).capitalize()


def _near(rng: random.Random, label: str) -> str:
    """Another with the same beginning, of the same length, or with one letter changed."""
    if rng.random() < 0.4:
        return _changed(rng, label, 1)
    same = (lambda other: other[0] == label[0]) if rng.random() < 0.5 else (lambda other: len(other) == len(label))
    return rng.choice([other for other in LABELS if same(other)] or LABELS)


def _changed(rng: random.Random, label: str, letters: int) -> str:
    word = list(label.lower())
    for _ in range(letters):
        word[rng.randrange(len(word))] = rng.choice(_ALPHABET)
    return "".join(word).capitalize()
