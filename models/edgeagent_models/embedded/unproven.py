"""Doubts "done" where the screen speaks against it: it refused, a deed had no effect, or a part of the task had no deed.

A wrong "done" is worse than a "failed" too many: whoever started the task relies on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.matching import same_thing
from edgeagent_models.embedded.memory import Deed, Done, Memory
from edgeagent_models.embedded.parts import Part, parts_of
from edgeagent_models.embedded.text import similarity
from edgeagent_models.protocol import Element

_WITH_EFFECT = frozenset({"click", "double_click", "type", "type_focused", "adjust", "drag", "select_text"})
_PLAIN = frozenset({"text", "image"})
_SAVING_KEYS = frozenset({"ctrl+s", "key_named", "Return"})
_SAVING_ROLES = frozenset({"button", "icon", "link", "menu_item"})
_UNDER_WAY = re.compile(r"(\w+ing)( \w+){0,3} ?(…|\.{2,3})|please wait\b.{0,12}", re.IGNORECASE)
_LONGEST_WAIT = 10
"""Steps of half a second."""
_AS_TYPED = 0.7
"""Likeness of a value that was typed and is read again."""


def refuse_instead_of_done(
    instruction: Instruction, elements: Sequence[Element], memory: Memory, past: Sequence[Done]
) -> Choice | None:
    """What to say instead of "done"; None where nothing speaks against it."""
    if memory.complaint:
        return with_complaint(Choice("ask"), memory)
    if _is_busy(elements) and sum(done.deed.kind == "wait" for done in past[-_LONGEST_WAIT:]) < _LONGEST_WAIT:
        return Choice("wait", doubt=True)
    vain = next((done.deed for done in past if _in_vain(done, elements, memory, past)), None)
    if vain is not None:
        return Choice("fail", why=_why_vain(vain))
    left = list(_parts_left(instruction, memory, past))
    unnamed = [done.deed.role for done in past if _unnamed(done)]
    if any(_names_a_switch(instruction, part) for part in left):  # a box of another name is another box
        unnamed = [role for role in unnamed if role != "checkbox"]
    if len(left) > len(unnamed):
        said = instruction.span_text(left[0].start, left[0].end)
        return Choice("fail", why=f"I found nothing to do about this part of the task: {said!r}")
    return None


def _names_a_switch(instruction: Instruction, part: Part) -> bool:
    """Whether it says by name what is to be on or off: "Enable Night light", and not "tick the box to agree"."""
    name = instruction.words[part.start + 1 : part.end + 1]
    return part.switched is not None and any(word.quoted or word.text[:1].isupper() for word in name)


def with_complaint(choice: Choice, memory: Memory) -> Choice:
    """``choice``, and where it gives up or asks without saying why, the words by which the screen refuses."""
    if choice.kind not in ("ask", "fail") or choice.why or not memory.complaint:
        return choice
    said = f"The screen says: {memory.complaint}"
    return replace(choice, why=f"{said} What should I do?" if choice.kind == "ask" else said)


def _is_busy(elements: Sequence[Element]) -> bool:
    """Whether the screen says that something is under way: "Sending…", "Please wait"."""
    return any(element.role == "text" and _UNDER_WAY.fullmatch(element.text.strip()) for element in elements)


def _in_vain(done: Done, elements: Sequence[Element], memory: Memory, past: Sequence[Done]) -> bool:
    """Whether it was to have an effect for a part of the task, had none, and nothing else was done about that part."""
    deed, words = done.deed, set(_words_of(done.deed))
    if done.ok or deed.kind not in _WITH_EFFECT or words <= set(memory.met) or _is_so_already(done, elements):
        return False
    return not any(other.ok and _makes_up_for(other.deed, deed) for other in past)


def _makes_up_for(other: Deed, deed: Deed) -> bool:
    """Whether ``other`` did what ``deed`` was to do. Words are typed again; a click on a heading is no press of its button."""
    if deed.typed is not None:
        return other.typed is not None and other.typed[0] <= deed.typed[1] and deed.typed[0] <= other.typed[1]
    same = set(_words_of(deed)).intersection(_words_of(other))
    return bool(same) and (other.role not in _PLAIN or deed.role in _PLAIN or other.kind != "click")


def _is_so_already(done: Done, elements: Sequence[Element]) -> bool:
    deed = done.deed
    if deed.value:
        return any(similarity(element.text, deed.value) > _AS_TYPED for element in elements)
    if deed.role == "text_field":
        return True  # it had the keyboard already
    return any(e.state == "checked" and same_thing(e, done) for e in elements)


def _why_vain(deed: Deed) -> str:
    what = deed.value or deed.text or deed.label
    verb = {"type": "typed", "type_focused": "typed", "adjust": "set", "drag": "dragged"}.get(deed.kind, "clicked")
    return f"I {verb} {what!r}, and nothing on the screen came of it"


def _parts_left(instruction: Instruction, memory: Memory, past: Sequence[Done]) -> Iterator[Part]:
    """The parts of the task that no deed named or gave the words of, and that are not so already."""
    named = {i for done in past if done.ok for i in _words_of(done.deed)}
    saved = any(done.ok and (done.deed.kind in _SAVING_KEYS or done.deed.role in _SAVING_ROLES) for done in past)
    for part in parts_of(instruction.source):
        known = named | set(memory.met)
        words = part.value or range(part.start, part.end + 1)
        if (part.verb == "save" and not saved) or known.isdisjoint(words):
            yield part


def _unnamed(done: Done) -> bool:
    """A deed that worked and that the task has no words for: it may be what some part asked for."""
    return done.ok and done.deed.kind != "wait" and not any(True for _ in _words_of(done.deed))


def _words_of(deed: Deed) -> Iterator[int]:
    for start, end in (*deed.said, *([deed.typed] if deed.typed else [])):
        yield from range(start, end + 1)
