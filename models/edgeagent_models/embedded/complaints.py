"""What a screen says against the last deed: an error beside the form, a browser's "Please fill out this field"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgeagent_models.embedded.matching import same_thing
from edgeagent_models.embedded.memory import Deed, Done, Memory, fingerprint
from edgeagent_models.embedded.text import squashed, words_of
from edgeagent_models.protocol import Element

_REFUSED = re.compile(
    r"\b(errors?|fail(ed|ure)|invalid|incorrect|wrong|denied|refused|rejected|forbidden|expired|unable|unsuccessful"
    r"|not (allowed|found|permitted|valid|saved|sent|accepted)|cannot|can ?['’]?t|could ?n[o'’]t"
    r"|does not (match|exist)|do not match|already (exists|taken|in use)|try again|out of stock|no (results|matches))\b",
    re.IGNORECASE,
)
"""Anywhere on a screen that came with the deed."""
_CORRECTED = re.compile(
    r"\b(please (fill?|enter|select|choose|tick|accept|correct|match|include|provide)"
    r"|(is|are) required|missing|must|too (short|long))\b",
    re.IGNORECASE,
)
"""Only where what was filled in or pressed still stands there: on another page such words ask for what comes next."""
_LATELY = 8
"""Deeds: a browser's bubble may lie on the last button."""
_DENIED = re.compile(r"\b(no|0|without)\s+(errors?|failures?)\b", re.IGNORECASE)
_LONGEST_ERROR_PAGE = 8
"""New texts; a screen with more is a page whose rows may well speak of errors."""
_OFFERED = frozenset({"select", "option", "menu_item"})


def complaint(task: str, elements: Sequence[Element], memory: Memory) -> str:
    """The words by which the screen refuses what was done, for as long as they are shown; empty where it does not."""
    if memory.complaint and any(element.text == memory.complaint for element in elements):
        return memory.complaint
    last = next((deed for deed in reversed(memory.deeds) if deed.kind != "wait"), None)
    if last is None:
        return ""
    seen = set(memory.seen)
    typed = [squashed(deed.value) for deed in memory.deeds if deed.value]
    news = [e for e in elements if e.text and fingerprint(e) not in seen and not _is_typed(e, typed)]
    stays = any(_stands_there(deed, elements) for deed in memory.deeds[-_LATELY:])
    if not stays and len(news) > _LONGEST_ERROR_PAGE:
        return ""
    said = set(words_of(task))
    return next((e.text for e in news if e.role not in _OFFERED and _refuses(e.text, said, stays)), "")


def _is_typed(element: Element, typed: Sequence[str]) -> bool:
    """Whether it is a field with what was typed. Others say something too: a browser's bubble looks like a field."""
    return element.role == "text_field" and any(
        squashed(element.text) in value or value in squashed(element.text) for value in typed
    )


def _stands_there(deed: Deed, elements: Sequence[Element]) -> bool:
    return any(same_thing(element, Done(deed, ok=True)) for element in elements)


def _refuses(text: str, said: set[str], stays: bool) -> bool:
    """Whether ``text`` refuses, in words that the task (``said``) does not use itself."""
    if _DENIED.search(text):
        return False
    found = _REFUSED.search(text) or (_CORRECTED.search(text) if stays else None)
    return found is not None and not said.issuperset(words_of(found[0]))
