"""Batches: several questions packed behind each picture, each seeing the picture and itself."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from vlm_training.answers import ANSWER_TOKENS, spoken
from vlm_training.reading import Words, words
from vlm_training.scenes import Painter, Scene, Thing, shrunk
from vlm_training.shape import Shape
from vlm_training.tokens import Language
from vlm_training.wording import COLOURS, LETTERS, SHAPES

_ROUND_TO = 16
_MADE_SMALLER = 0.35
"""Share of screens."""
GLYPH_COLUMNS = 6
"""Of a cell. Told where each character is, not just that it is in the cell, the encoder learns letters several times as fast."""
_FORMS = 0.35
"""Share of screens that are mostly buttons; and of pages, which are nothing else, while the encoder learns to read."""
_PAGES = 0.6
_LINE_BREAKS = 0.2
"""Share of questions that begin with one."""
_RARE_KINDS_FIRST = 0.8
"""Odds that letters and buttons are asked for before shapes, of which there are more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture's questions, and the answers as tokens (empty while they are being found out)."""

    questions: list[list[int]]
    answers: list[list[int]]


@dataclass(frozen=True, slots=True)
class Packed:
    """The tokens behind ``B`` pictures of ``C`` cells, all of one length."""

    tokens: Tensor
    """``(B, S)``"""
    places: Tensor
    """``(3, B, T)``"""
    mask: Tensor
    """``(B, 1, T, T)``, True where a token may be seen."""
    asked: Tensor
    """Indices into ``B * T`` of the tokens that predict the answers."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What is in each cell, for the auxiliary losses."""

    contents: Tensor
    """``(B, C, 4) int64``: shape, colour, letter, and whether a button's middle is here; 0 is none."""
    offsets: Tensor
    """``(B, C, 4) float32``: the place of what is here within the cell, -1 to 1, and in the picture, 0 to 1."""
    glyphs: Tensor
    """``(B, C, columns) int64``: the character of a label in each of `GLYPH_COLUMNS`, counted from 1; 0 for none."""
    words: Words
    """The labels of buttons, at the cells of their middles."""


@dataclass(frozen=True, slots=True)
class Batch:
    pictures: Tensor
    packed: Packed
    wanted: Tensor
    """The answers' tokens, one for each of ``packed.asked``."""
    bells: Tensor
    """``(B * K, 4, 10)``: what is asked for instead, for hundreds and tens."""
    cells: Tensor
    """``(B * K,)``: the cell of each question's target, in the order of ``wanted``."""
    owners: Tensor
    """``(B * K,)``: the picture of each question."""
    labels: Labels
    words: Words
    """The labels asked for, at the tokens that predict the first of an answer."""


def pack(language: Language, rows: int, columns: int, asked: list[Asked]) -> Packed:
    """Lay questions and answers out behind pictures of ``rows`` x ``columns`` cells."""
    first, cells = len(language.before_picture), rows * columns
    base = first + cells
    lengths = [sum(len(q) + max(0, len(a) - 1) for q, a in zip(one.questions, one.answers, strict=True)) for one in asked]
    width = -(-max(lengths) // _ROUND_TO) * _ROUND_TO
    tokens = np.full((len(asked), width), language.padding, np.int64)
    segments = np.zeros((len(asked), base + width), np.int64)
    segments[:, base:] = -1
    texts = np.zeros((len(asked), width), np.int64)
    predicting: list[int] = []
    for row, one in enumerate(asked):
        at = 0
        for number, (question, answer) in enumerate(zip(one.questions, one.answers, strict=True), 1):
            line = [*question, *answer[:-1]]
            tokens[row, at : at + len(line)] = line
            segments[row, base + at : base + at + len(line)] = number
            texts[row, at : at + len(line)] = np.arange(len(line))
            last = row * (base + width) + base + at + len(question) - 1
            predicting += range(last, last + max(1, len(answer)))
            at += len(line)
    picture = np.stack([np.full(cells, first), first + np.arange(cells) // columns, first + np.arange(cells) % columns])
    places = np.zeros((3, len(asked), base + width), np.int64)
    places[:, :, :first] = np.arange(first)
    places[:, :, first:base] = picture[:, None]
    places[:, :, base:] = first + max(rows, columns) + texts
    group = torch.from_numpy(segments)
    order = torch.arange(base + width)
    mask = (order[:, None] >= order)[None] & ((group[:, None] == 0) | (group[:, :, None] == group[:, None]))
    return Packed(torch.from_numpy(tokens), torch.from_numpy(places), mask[:, None], torch.tensor(predicting))


def draw(
    rng: random.Random,
    language: Language,
    shape: Shape,
    size: tuple[int, int],
    pictures: int,
    questions: int,
    pages: bool = False,
) -> Batch:
    """``pictures`` new screens of ``size`` (width, height) with ``questions`` each, repeated where there are fewer things.

    ``pages``: most of them full of labels.
    """
    width, height = size
    rows, columns = height // shape.cell_px, width // shape.cell_px
    scenes = [_scene(rng, width, height, pages) for _ in range(pictures)]
    chosen = [_chosen(rng, scene.things, questions) for scene in scenes]
    answers = [[spoken(rng, language, thing.x / width, thing.y / height) for thing in things] for things in chosen]
    asked = [
        Asked([language.question(_asked(rng, thing)) for thing in things], [tokens for tokens, _ in said])
        for things, said in zip(chosen, answers, strict=True)
    ]
    cells = [int(t.y) // shape.cell_px * columns + int(t.x) // shape.cell_px for things in chosen for t in things]
    packed = pack(language, rows, columns, asked)
    first = packed.asked[::ANSWER_TOKENS].tolist()
    return Batch(
        torch.from_numpy(np.stack([scene.pixels for scene in scenes])),
        packed,
        torch.tensor([token for one in asked for answer in one.answers for token in answer]),
        torch.from_numpy(np.stack([bells for said in answers for _, bells in said])),
        torch.tensor(cells),
        torch.arange(pictures).repeat_interleave(questions),
        _labels(scenes, rows, columns, shape.cell_px),
        words((at, t.names[0]) for at, t in zip(first, chain.from_iterable(chosen), strict=True) if t.kind == "button"),
    )


def _scene(rng: random.Random, width: int, height: int, pages: bool) -> Scene:
    """A screen of that size, at times one that was larger and made smaller, as the runtime does with large screens."""
    while True:
        scale = rng.uniform(0.9, 1.1 + 0.35 * (width - 320) / 320) if width >= 320 else 1.0
        larger = rng.uniform(1.1, 3.0) if rng.random() < _MADE_SMALLER else 1.0
        painter = Painter(rng, round(width * larger), round(height * larger), scale * larger)
        scene = _painted(painter, pages)
        if scene.things:
            return scene if larger == 1.0 else shrunk(scene, width, height)


def _painted(painter: Painter, pages: bool) -> Scene:
    if pages and painter.rng.random() < _PAGES:
        return painter.page()
    return painter.form() if painter.rng.random() < _FORMS else painter.scene()


def _asked(rng: random.Random, thing: Thing) -> str:
    """The question; servers put a line break between picture and text."""
    return ("\n" if rng.random() < _LINE_BREAKS else "") + thing.question(rng)


def _chosen(rng: random.Random, things: tuple[Thing, ...], count: int) -> list[Thing]:
    shuffled = rng.sample(things, len(things))
    if rng.random() < _RARE_KINDS_FIRST:
        shuffled.sort(key=lambda thing: (thing.kind == "shape") * rng.random())
    return (shuffled * count)[:count]


def _labels(scenes: list[Scene], rows: int, columns: int, cell_px: int) -> Labels:
    contents = np.zeros((len(scenes), rows * columns, 4), np.int64)
    offsets = np.zeros((len(scenes), rows * columns, 4), np.float32)
    glyphs = np.zeros((len(scenes), rows * columns, GLYPH_COLUMNS), np.int64)
    labels: list[tuple[int, str]] = []
    for row, scene in enumerate(scenes):
        for thing in scene.things:
            cell = int(thing.y) // cell_px * columns + int(thing.x) // cell_px
            contents[row, cell] = _content(thing)
            within = (thing.x % cell_px / cell_px * 2 - 1, thing.y % cell_px / cell_px * 2 - 1)
            offsets[row, cell] = (*within, thing.x / (columns * cell_px), thing.y / (rows * cell_px))
            if thing.kind == "button":
                labels.append((row * rows * columns + cell, thing.names[0]))
            for letter, x in thing.glyphs:
                column = int(x % cell_px * GLYPH_COLUMNS / cell_px)
                glyphs[row, int(thing.y) // cell_px * columns + int(x) // cell_px, column] = LETTERS.index(letter) + 1
    return Labels(torch.from_numpy(contents), torch.from_numpy(offsets), torch.from_numpy(glyphs), words(labels))


def _content(thing: Thing) -> tuple[int, int, int, int]:
    match thing.kind:
        case "shape":
            colour, shape = thing.names
            return SHAPES.index(shape) + 1, list(COLOURS).index(colour) + 1, 0, 0
        case "letter":
            return 0, 0, LETTERS.index(thing.names[0]) + 1, 0
        case "button":
            return 0, 0, 0, 1
