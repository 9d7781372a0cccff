"""Tasks that are a list of keys to press in turn ("Press 7, then +, then 5", "Calculate 12 + 30"): these need no network."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.memory import Done
from edgeagent_models.protocol import Element

_PRESS = frozenset({"press", "click", "tap", "hit", "push"})
_BETWEEN = frozenset({"then", "and", "the", "button", "buttons", "key", "keys", "on", "next", "finally", "afterwards"})
_CALCULATE = re.compile(r"(?:calculate|compute|work out)\s+((?:\d+(?:\.\d+)?|[-+*/×÷()\s])+)[=.\s]*", re.IGNORECASE)
_SAME = {"×": "*", "÷": "/", "−": "-", "–": "-"}
_PRESSED = frozenset({"button", "tab", "menu_item"})
_LEAST = 2
_TRIES = 2


def press_in_turn(instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Choice | None:
    """The next key of the list that the task is; None where the task is no such list, or names something that is no key here."""
    keys = _keys(instruction)
    if len(keys) < _LEAST:
        return None
    on_screen: dict[str, int] = {}
    for j, element in enumerate(elements):
        if element.role in _PRESSED and element.text:
            on_screen.setdefault(_folded(element.text), j)
    turn = 0
    for done in past:
        if done.ok and turn < len(keys) and done.deed.kind == "click" and _folded(done.deed.text) == keys[turn]:
            turn += 1
    missing = [key for key in keys[turn:] if key not in on_screen]
    if any(len(key) > 1 for key in missing) or len(missing) == len(keys):
        return None
    if missing:
        return Choice("fail", why=f"I see no key {missing[0]!r} to press")
    if turn == len(keys):
        return Choice("done")
    vain = [done for done in past[-_TRIES:] if not done.ok and _folded(done.deed.text) == keys[turn]]
    if len(vain) == _TRIES:
        return Choice("fail", why=f"I pressed {keys[turn]!r}, and nothing happened")
    return Choice("click", on_screen[keys[turn]])


def _keys(instruction: Instruction) -> list[str]:
    """What the task says to press, in turn."""
    sum_asked = _CALCULATE.fullmatch(instruction.source.strip())
    if sum_asked:
        return [*(_folded(key) for key in sum_asked[1] if not key.isspace()), "="]
    words = instruction.words
    if not words or words[0].text.casefold() not in _PRESS:
        return []
    keys: list[str] = []
    for word in words[1:]:
        if word.quoted and not word.quote_start:
            keys[-1] += f" {_folded(word.text)}"
        elif word.quoted or word.text.casefold() not in _BETWEEN:
            keys.append(_folded(word.text))
    return keys


def _folded(text: str) -> str:
    return _SAME.get(text, text.casefold())
