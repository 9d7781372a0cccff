"""A tokenizer for models that know nothing: one token a byte, whole words of plain English and code, Qwen's special tokens,
and unused ones up to the size of the model that is imitated. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SPECIAL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"
)  # fmt: skip
SMALL_MERGES = ("t h", "i n", "c l", "i c", "o n", "e r", "a t", "cl ic", "clic k")
MAX_WORDS = 4000
SPACE = "Ġ"
"""How byte-level vocabularies spell a space."""
_PIECE = re.compile(r"[^\s\dA-Za-z]?[A-Za-z]{1,14}| [A-Za-z]{1,14}| ?[^\s\dA-Za-z]{1,6}")
"""What Qwen's tokenizer cuts a text into before it merges: a word with the mark before it, or a run of marks."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``tokens`` in the order of their ids: bytes, merged pairs, special ones, unused ones."""

    tokens: tuple[str, ...]
    merges: tuple[str, ...]
    special: range
    """Ids of the special tokens; those behind are unused."""

    def speakable(self, token: int) -> bool:
        """Whether ``token`` may be written: plain ASCII. A reply then reads back as about as many tokens, and never ends."""
        return token < self.special.start and self.tokens[token].replace(SPACE, " ").isascii()


def vocabulary(size: int) -> Vocabulary:
    """With ``size`` tokens, most of them unused; 0: the smallest."""
    merges = _words_of_ours() if size else SMALL_MERGES
    spoken = [*byte_tokens(), *(merge.replace(" ", "") for merge in merges)]
    tokens = [*spoken, *SPECIAL_TOKENS]
    tokens += [f"<|unused_{number}|>" for number in range(len(tokens), size)]
    return Vocabulary(tuple(tokens), tuple(merges), range(len(spoken), len(spoken) + len(SPECIAL_TOKENS)))


def byte_tokens() -> list[str]:
    """The 256 byte-level tokens as GPT-2 spells them: printable bytes as themselves, the others moved up from U+0100."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    spelling, moved = [], 0
    for byte in range(256):
        if byte in printable:
            spelling.append(chr(byte))
        else:
            spelling.append(chr(0x100 + moved))
            moved += 1
    return spelling


def _words_of_ours() -> tuple[str, ...]:
    """Merges that make the commonest words and runs of marks in this package's own text one token each.

    Words without a mark before them come last: their merges then touch nothing within a word that has one.
    """
    texts = (path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parents[1].rglob("*.py")))
    counts = Counter(piece for text in texts for piece in _PIECE.findall(text) if len(piece) > 1 and piece.isascii())
    common = [piece.replace(" ", SPACE) for piece, _ in counts.most_common(MAX_WORDS)]
    merges: dict[str, None] = {}
    for piece in sorted(common, key=lambda piece: piece[0].isascii() and piece[0].isalpha()):
        merges.update((f"{piece[:end]} {piece[end]}", None) for end in range(1, len(piece)))
    return tuple(merges)
