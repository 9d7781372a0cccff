"""Screens drawn by dice: windows, coloured shapes, letters and buttons with labels, and what can be asked of each."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vlm_training.labels import labels
from vlm_training.wording import (
    COLOURS,
    HELD_OUT_LABELS,
    HELD_OUT_PAIRS,
    LABELS,
    LETTERS,
    PAIRS,
    SHAPES,
    ask_button,
    ask_letter,
    ask_shape,
)  # fmt: skip

Kind = Literal["shape", "letter", "button"]
Colour = tuple[int, int, int]
_FONTS = (
    "/usr/share/fonts/truetype/liberation/LiberationSans-Bold.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
)
_NATURAL_CELLS = 70
"""Of a screen of 320x224: the scene with the fewest things."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be asked for. Places in pixels."""

    kind: Kind
    names: tuple[str, ...]
    """Colour and shape, or the letter, or the label."""
    x: float
    y: float
    held_out: bool = False
    glyphs: tuple[tuple[str, float], ...] = ()
    """The label's characters and where the middle of each is, along ``x``."""

    def question(self, rng: random.Random) -> str:
        match self.kind:
            case "shape":
                return ask_shape(rng, *self.names)
            case "letter":
                return ask_letter(rng, *self.names)
            case "button":
                return ask_button(rng, *self.names)


@dataclass(frozen=True, slots=True)
class Scene:
    """A screen, ``pixels`` being ``(height, width, 3) uint8`` RGB."""

    pixels: NDArray[np.uint8]
    things: tuple[Thing, ...]


@cache
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


class Painter:
    """Draws one scene. ``scale`` multiplies the size of everything; ``held_out`` permits what training must not see."""

    def __init__(self, rng: random.Random, width: int, height: int, scale: float = 1.0, held_out: bool = False) -> None:
        self.rng, self.width, self.height, self.scale, self.held_out = rng, width, height, scale, held_out
        self.image = Image.new("RGB", (width, height), self._light())
        self.draw = ImageDraw.Draw(self.image)
        self.taken: list[tuple[float, float, float, float]] = []
        self.things: list[Thing] = []

    def scene(self) -> Scene:
        """Some of everything."""
        more = self._begin()
        buttons, letters = self.rng.choice((0, 1, 2, 3)), self.rng.choice((0, 1, 1, 2))
        return self._fill(buttons + more // 2, letters, (2 + more, 5 + more))

    def form(self) -> Scene:
        """Mostly buttons."""
        more = self._begin()
        return self._fill(self.rng.randint(3, 6) + more, self.rng.choice((0, 0, 1)), (0, 2 + more // 2))

    def page(self) -> Scene:
        """As many buttons as there is room for, and little else."""
        self._begin()
        return self._fill(round(self.width * self.height / (75 * self.scale) ** 2) + 1, self.rng.choice((0, 0, 1)), (0, 1))

    def _begin(self) -> int:
        """Windows behind everything; how many more things there should be than on a small screen."""
        for _ in range(self.rng.choice((0, 0, 1, 2))):
            self._panel()
        cells = self.width * self.height / (32 * self.scale) ** 2
        return max(0, round((cells / _NATURAL_CELLS - 1) * 1.5))

    def _fill(self, buttons: int, letters: int, shapes: tuple[int, int]) -> Scene:
        """So many buttons and letters, and from the first to the second of ``shapes``."""
        for label in self._labels(buttons):
            if label not in {name for thing in self.things for name in thing.names}:
                self._button(label)
        for letter in self.rng.sample(LETTERS, letters):
            self._letter(letter)
        pairs = PAIRS if self.held_out else tuple(pair for pair in PAIRS if pair not in HELD_OUT_PAIRS)
        for colour, shape in self.rng.sample(pairs, self.rng.randint(*shapes)):
            self._shape(colour, shape)
        return Scene(np.asarray(self.image), tuple(self.things))

    def _labels(self, count: int) -> list[str]:
        """In an exam real words alone, held-out ones more often than others."""
        return self.rng.sample(LABELS + HELD_OUT_LABELS * 4, count) if self.held_out else labels(self.rng, count)

    def _light(self) -> Colour:
        return self.rng.randint(205, 255), self.rng.randint(205, 255), self.rng.randint(205, 255)

    def _panel(self) -> None:
        """A window behind everything, with a title bar at times."""
        width, height = self.rng.randint(self.width // 3, self.width), self.rng.randint(self.height // 3, self.height)
        x, y = self.rng.randint(0, self.width - width), self.rng.randint(0, self.height - height)
        self.draw.rectangle((x, y, x + width, y + height), fill=self._light(), outline=(150, 150, 150))
        if self.rng.random() < 0.5:
            self.draw.rectangle((x, y, x + width, y + self._px(8, 14)), fill=self.rng.choice(((70, 80, 110), (170, 180, 200))))

    def _px(self, low: float, high: float) -> int:
        return max(1, round(self.rng.uniform(low, high) * self.scale))

    def _place(self, half_width: float, half_height: float) -> tuple[int, int] | None:
        """A free place for something of that size, or None if dice found none."""
        gap = 3 * self.scale
        left, top = math.ceil(half_width + 2), math.ceil(half_height + 2)
        if 2 * left >= self.width or 2 * top >= self.height:
            return None
        for _ in range(40):
            x, y = self.rng.randint(left, self.width - left), self.rng.randint(top, self.height - top)
            if all(abs(x - a) > half_width + c + gap or abs(y - b) > half_height + d + gap for a, b, c, d in self.taken):
                self.taken.append((x, y, half_width, half_height))
                return x, y
        return None

    def _button(self, label: str) -> None:
        size = self._px(13, 18)
        font = _font(self.rng.choice(_FONTS), size)
        text_width = font.getlength(label)
        half_width, half_height = text_width / 2 + self._px(6, 14), size / 2 + self._px(4, 7)
        place = self._place(half_width, half_height)
        if place is None:
            return
        x, y = place
        box = (x - half_width, y - half_height, x + half_width, y + half_height)
        if self.rng.random() < 0.2:
            face, ink = (self.rng.randint(30, 70), self.rng.randint(60, 110), self.rng.randint(140, 200)), (250, 250, 250)
        else:
            grey = self.rng.randint(165, 235)
            face, ink = (grey, grey, min(255, grey + self.rng.randint(0, 20))), (15, 15, 25)
        self.draw.rounded_rectangle(box, self.rng.choice((0, 0, 3, 5)) * self.scale, fill=face, outline=(90, 90, 90))
        self.draw.text((x, y), label, font=font, fill=ink, anchor="mm")
        starts = [font.getlength(label[:index]) for index in range(len(label) + 1)]
        middles = [x - text_width / 2 + (a + b) / 2 for a, b in pairwise(starts)]
        glyphs = tuple(zip(label.upper(), middles, strict=True))
        self.things.append(Thing("button", (label,), x, y, label in HELD_OUT_LABELS, glyphs))

    def _letter(self, letter: str) -> None:
        size = self._px(22, 32)
        place = self._place(size * 0.45, size * 0.45)
        if place is None:
            return
        ink = COLOURS[self.rng.choice(("black", "blue", "red", "purple"))]
        self.draw.text(place, letter, font=_font(self.rng.choice(_FONTS), size), fill=ink, anchor="mm")
        self.things.append(Thing("letter", (letter,), *place))

    def _shape(self, colour: str, shape: str) -> None:
        radius = self.rng.uniform(10, 19) * self.scale
        place = self._place(radius, radius)
        if place is None:
            return
        red, green, blue = (min(255, max(0, value + self.rng.randint(-15, 15))) for value in COLOURS[colour])
        _draw_shape(self.draw, shape, *place, radius, (red, green, blue))
        self.things.append(Thing("shape", (colour, shape), *place, (colour, shape) in HELD_OUT_PAIRS))


def shrunk(scene: Scene, width: int, height: int) -> Scene:
    """``scene`` at a smaller size, every pixel the mean of those that it covers."""
    was_height, was_width = scene.pixels.shape[:2]
    across, down = width / was_width, height / was_height
    pixels = np.asarray(Image.fromarray(scene.pixels).resize((width, height), Image.Resampling.BOX))
    things = (
        replace(
            thing,
            x=min(width - 1, thing.x * across),
            y=min(height - 1, thing.y * down),
            glyphs=tuple((letter, min(width - 1, x * across)) for letter, x in thing.glyphs),
        )
        for thing in scene.things
    )
    return Scene(pixels, tuple(things))


def _draw_shape(draw: ImageDraw.ImageDraw, shape: str, x: float, y: float, radius: float, fill: Colour) -> None:
    match shape:
        case "circle":
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
        case "square":
            half = radius * 0.88
            draw.rectangle((x - half, y - half, x + half, y + half), fill=fill)
        case "triangle":
            draw.polygon([(x, y - radius), (x - radius, y + radius * 0.8), (x + radius, y + radius * 0.8)], fill=fill)
        case "star":
            reach = [radius if corner % 2 == 0 else radius * 0.42 for corner in range(10)]
            turns = [corner * math.pi / 5 for corner in range(10)]
            draw.polygon([(x + r * math.sin(t), y - r * math.cos(t)) for r, t in zip(reach, turns, strict=True)], fill=fill)
        case "cross":
            arm = radius * 0.33
            draw.rectangle((x - arm, y - radius, x + arm, y + radius), fill=fill)
            draw.rectangle((x - radius, y - arm, x + radius, y + arm), fill=fill)
        case _:
            raise ValueError(f"no shape {shape!r}; there are {', '.join(SHAPES)}")
