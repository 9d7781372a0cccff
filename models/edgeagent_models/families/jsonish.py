"""JSON as models write it: inside other text, with a comma too many, line breaks in strings, a bracket missing. Pure.

Only what cannot mean anything else is mended. What was cut off inside a string or a number is not: typing half a text is worse
than asking again.
"""

from __future__ import annotations

from typing import cast

import msgspec

from edgeagent_models.families.family import UnreadableReply

MAX_DEPTH = 24
_CLOSING = {"{": "}", "[": "]"}
_RAW = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def first_object(text: str) -> tuple[dict[str, object], int, int]:
    """The first JSON object in ``text``, where it begins and where it ends; raises `UnreadableReply`."""
    start = text.find("{")
    if start < 0:
        raise UnreadableReply("the reply has no JSON object")
    mended, end = _mended(text, start)
    try:
        return cast("dict[str, object]", msgspec.json.decode(mended, type=dict)), start, end
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise UnreadableReply(f"the reply's JSON cannot be read: {error}") from error


def _mended(text: str, start: int) -> tuple[str, int]:
    """The object that begins at ``start`` as proper JSON, and where it ends in ``text``."""
    out: list[str] = []
    open_brackets: list[str] = []
    at = start
    while at < len(text):
        char = text[at]
        if char == '"':
            string, at = _string(text, at)
            out.append(string)
            continue
        if char in _CLOSING:
            open_brackets.append(char)
            if len(open_brackets) > MAX_DEPTH:
                raise UnreadableReply("the reply's JSON is nested too deeply")
        elif char in "}]":
            _drop_comma(out)
            while open_brackets and _CLOSING[open_brackets[-1]] != char:
                out.append(_CLOSING[open_brackets.pop()])
            if open_brackets:
                open_brackets.pop()
        out.append(char)
        at += 1
        if not open_brackets:
            return "".join(out), at
    return _closed(out, open_brackets), len(text)


def _closed(out: list[str], open_brackets: list[str]) -> str:
    """``out`` with the brackets that are missing at its end, where what came last was whole."""
    last = next((part for part in reversed(out) if not part.isspace()), "")
    if last[-1:] not in ('"', "}", "]"):
        raise UnreadableReply("the reply was cut off")
    return "".join([*out, *(_CLOSING[bracket] for bracket in reversed(open_brackets))])


def _string(text: str, start: int) -> tuple[str, int]:
    """The string literal at ``start`` with its line breaks escaped, and where it ends."""
    out = ['"']
    at = start + 1
    while at < len(text):
        char = text[at]
        if char == "\\":
            out.append(text[at : at + 2])
            at += 2
            continue
        out.append(_RAW.get(char, char))
        at += 1
        if char == '"':
            return "".join(out), at
    raise UnreadableReply("the reply was cut off inside a text")


def _drop_comma(out: list[str]) -> None:
    while out and out[-1].isspace():
        out.pop()
    if out and out[-1] == ",":
        out.pop()
