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
_WORD = re.compile(r"[ \"]([A-Za-z]{2,12})")


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
    """Merges that make the commonest words of this package's own text one token each, after a space or a quotation mark.

    Each merge's left part begins with that mark, so none of them matches within another word.
    """
    texts = (path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parents[1].rglob("*.py")))
    counts = Counter(match[0] for text in texts for match in _WORD.finditer(text))
    merges: dict[str, None] = {}
    for word, _ in counts.most_common(MAX_WORDS):
        spelled = word.replace(" ", SPACE)
        merges.update((f"{spelled[:end]} {spelled[end]}", None) for end in range(1, len(spelled)))
    return tuple(merges)
