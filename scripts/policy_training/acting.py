"""The language that scenarios are written in: a scenario yields what is shown and which actions are right, until it is over."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass

from policy_training.screens import Item, Rows, Scene


@dataclass(slots=True, eq=False)
class Gold:
    """One right action. ``text`` is a part of the instruction that is typed; ``copied`` an item whose text is."""

    kind: str
    item: Item | None = None
    text: str = ""
    copied: Item | None = None
    drop: Item | None = None


@dataclass(slots=True)
class Moment:
    """What is shown, and the right actions."""

    scene: Scene
    golds: list[Gold]
    vain: bool = False
    """Nothing comes of them: it is the end of a list, say."""


@dataclass(slots=True)
class Episode:
    """A task with the generator that plays it: it is sent the gold that was chosen and yields the next moment."""

    instruction: str
    play: Generator[Moment, Gold, None]


Scenario = Callable[[random.Random], Episode]


def click(item: Item) -> Gold:
    return Gold("click", item)


def typing(item: Item, text: str) -> Gold:
    return Gold("type", item, text)


def button(text: str) -> Item:
    return Item("button", text, key=text)


def text(words: str) -> Item:
    return Item("text", words, key=words)


def paragraph(rng: random.Random, words: str, per_line: int = 8) -> Rows:
    """Prose in several lines."""
    pieces = words.split()
    return [[text(" ".join(pieces[i : i + per_line]))] for i in range(0, len(pieces), per_line)]


def shuffled(rng: random.Random, rows: Rows) -> Rows:
    copied = list(rows)
    rng.shuffle(copied)
    return copied


def finish(scene: Scene) -> Moment:
    return Moment(scene, [Gold("done")])
