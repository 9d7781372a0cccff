"""Tool calls in what a model said: Hermes JSON, Qwen's XML, OpenAI's fields, or a bare object. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from edgeagent_models.families.family import UnreadableReply
from edgeagent_models.families.jsonish import first_object

_OPEN = re.compile(r"<tool_call>")
_FUNCTION = re.compile(r"<function=([^>\s]{1,80})>")
_PARAMETER = re.compile(r"<parameter=([^>\s]{1,80})>\n?(.*?)\n?(?:</parameter>|(?=<parameter=)|(?=</function>)|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call, and the text that stands before it."""

    name: str
    arguments: dict[str, object]
    before: str


def first_call(text: str) -> ToolCall:
    """The first call in ``text``. A model that asks for more sees the screen in between. Raises `UnreadableReply`."""
    opened = _OPEN.search(text)
    before, body = (text[: opened.start()], text[opened.end() :]) if opened else ("", text)
    function = _FUNCTION.search(body)
    if function:
        rest = body[function.end() :].split("</function>", 1)[0]
        values: dict[str, object] = dict(_PARAMETER.findall(rest))
        return ToolCall(function[1], values, before if opened else body[: function.start()])
    try:
        found, start, _ = first_object(body)
    except UnreadableReply as error:
        raise UnreadableReply(f"the reply has no tool call that can be read ({error})") from error
    name, arguments = _named(found)
    return ToolCall(name, arguments, before if opened else body[:start])


def as_json(name: str, arguments: Mapping[str, object]) -> str:
    """A call as Hermes-trained models write it."""
    call = json.dumps({"name": name, "arguments": dict(arguments)}, ensure_ascii=False)
    return f"<tool_call>\n{call}\n</tool_call>"


def as_xml(name: str, arguments: Mapping[str, object]) -> str:
    """A call as Qwen3.5's chat template writes it."""
    lines = [f"<parameter={key}>\n{_plain(value)}\n</parameter>" for key, value in arguments.items()]
    return "\n".join(["<tool_call>", f"<function={name}>", *lines, "</function>", "</tool_call>"])


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _named(found: dict[str, object]) -> tuple[str, dict[str, object]]:
    """Name and arguments of a call object; an object that is neither is arguments without a name."""
    for wrapper in ("tool_calls", "function", "tool_call"):
        inner = found.get(wrapper)
        if isinstance(inner, list) and inner:
            inner = cast("list[object]", inner)[0]
        if isinstance(inner, dict):
            return _named(cast("dict[str, object]", inner))
    name, arguments = found.get("name"), found.get("arguments", found.get("parameters"))
    if isinstance(arguments, str):
        arguments = first_object(arguments)[0]
    if isinstance(name, str) and isinstance(arguments, dict):
        return name, cast("dict[str, object]", arguments)
    if isinstance(name, str):
        return name, {}
    return "", found
