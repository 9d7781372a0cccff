"""What the terminal can show: pictures by a protocol of its own, or half blocks. The terminal is asked where it answers."""

from __future__ import annotations

import fcntl
import re
import struct
import termios
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Pictures = Literal["blocks", "sixel", "kitty", "iterm"]
PICTURES: tuple[Pictures, ...] = ("blocks", "sixel", "kitty", "iterm")
VARIABLE = "EDGEAGENT_PICTURES"
"""Overrides what was found out: one of `PICTURES`."""
QUERY = "\x1b[c\x1b[16t"
"""Primary device attributes (4 among them: sixel), and the size of a cell in pixels."""
_ATTRIBUTES = re.compile(r"\x1b\[\?([\d;]*)c")
_CELL = re.compile(r"\x1b\[6;(\d+);(\d+)t")
_SIXEL = "4"
_USUAL_CELL = (10, 20)
_KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
_ITERM_PROGRAMS = ("iTerm.app", "WezTerm", "mintty", "vscode")


@dataclass(frozen=True, slots=True)
class Abilities:
    """How pictures reach the user."""

    pictures: Pictures = "blocks"
    cell_px: tuple[int, int] = _USUAL_CELL
    """Width and height of a cell."""
    forced: bool = False
    """The user said so."""


def by_environment(environment: Mapping[str, str]) -> Abilities:
    """What the variables say. A multiplexer hands on those of the terminal that it was started in: there they say nothing."""
    said = environment.get(VARIABLE, "")
    for pictures in PICTURES:
        if said == pictures:
            return Abilities(pictures, forced=True)
    if environment.get("TMUX") or environment.get("STY"):
        return Abilities()
    if environment.get("TERM") in _KITTY_TERMS or environment.get("KITTY_WINDOW_ID"):
        return Abilities("kitty")
    if environment.get("TERM_PROGRAM") in _ITERM_PROGRAMS or environment.get("LC_TERMINAL") == "iTerm2":
        return Abilities("iterm")
    return Abilities()


def cell_size(fd: int) -> tuple[int, int] | None:
    """A cell's width and height in pixels as the terminal ``fd`` has told the kernel, if it has."""
    try:
        rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8))
    except (OSError, ValueError):
        return None
    return (width // columns, height // rows) if width and height and columns and rows else None


def take_answers(text: str, known: Abilities) -> tuple[str, Abilities]:
    """What was read from the terminal without its answers to `QUERY`, and what they say."""
    if "\x1b[" not in text:
        return text, known
    attributes, cell = _ATTRIBUTES.search(text), _CELL.search(text)
    if attributes and known.pictures == "blocks" and not known.forced and _SIXEL in attributes[1].split(";"):
        known = replace(known, pictures="sixel")
    if cell and int(cell[1]) and int(cell[2]):
        known = replace(known, cell_px=(int(cell[2]), int(cell[1])))
    return _CELL.sub("", _ATTRIBUTES.sub("", text)), known


def no_colour(environment: Mapping[str, str]) -> bool:
    """Whether the user asked for no colours (https://no-color.org), or the terminal has none."""
    return bool(environment.get("NO_COLOR")) or environment.get("TERM") in {"dumb", "vt100", "vt220", "xterm-mono"}


def at(x: int, y: int, sequence: str) -> str:
    """``sequence`` drawn from cell (``x``, ``y``), counted from 0; the cursor comes back."""
    return f"\x1b7\x1b[{y + 1};{x + 1}H{sequence}\x1b8"


def kitty_gone(number: int) -> str:
    """The terminal's picture ``number`` is taken away."""
    return f"\x1b_Ga=d,d=I,q=2,i={number}\x1b\\"
