"""Text from inside the sandbox, made fit for the user's terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` with everything but letters, marks and line ends as ``?``: control characters would drive the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)
