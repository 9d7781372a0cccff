"""The dialect of families that answer with a tool call, some words before it. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from edgeagent_harness.protocol.actions import Action
from edgeagent_models.families import grammar as gbnf
from edgeagent_models.families import toolcalls
from edgeagent_models.families.family import Said, UnreadableReply
from edgeagent_models.families.grid import GridKind, View
from edgeagent_models.families.verbs import Verb, Vocabulary, grammar_rules, object_rule, spelled

MAX_THOUGHT_CHARS = 200


@dataclass(frozen=True, slots=True)
class ToolDialect:
    """One function whose argument ``action`` names the verb, or (``function`` empty) one function for each verb."""

    vocabulary: Vocabulary
    grid: GridKind
    introduction: Callable[[View], str]
    """What stands before the tools in the system prompt."""
    rules: str
    """What stands behind them."""
    function: str = ""
    form: Literal["json", "xml"] = "json"
    thought: str = ""
    """What the model puts before its thought."""

    def called(self, action: Action) -> str:
        return self.vocabulary.told(action)[0]

    def instructions(self, view: View) -> str:
        tools = [json.dumps(tool, ensure_ascii=False) for tool in self._tools()]
        return "\n".join([self.introduction(view), "", "# Tools", "", "<tools>", *tools, "</tools>", "", self._form, self.rules])

    def parse(self, text: str, view: View) -> Said:
        call = toolcalls.first_call(text)
        name, values = call.name, dict(call.arguments)
        if self.function and (name in ("", self.function, "computer", "computer_use")):
            name = str(values.pop("action", "") or values.pop("type", ""))
        if not name:
            raise UnreadableReply("the tool call does not say which action")
        thought = call.before.strip().removeprefix(self.thought.strip()).strip()
        return Said(thought, self.vocabulary.read(name, values, self.grid, view))

    def render(self, thought: str, action: Action, view: View) -> str:
        verb, values = self.vocabulary.told(action)
        arguments = spelled(values, self.grid, view)
        if self.function:
            verb, arguments = self.function, {"action": verb, **arguments}
        written = toolcalls.as_xml(verb, arguments) if self.form == "xml" else toolcalls.as_json(verb, arguments)
        return f"{self.thought}{thought}\n{written}" if thought else written

    def grammar(self, view: View) -> str:
        if self.form == "xml":
            return ""
        opening, closing = gbnf.literal("<tool_call>\n"), gbnf.literal("\n</tool_call>")
        words = f"[^<\\n]{{1,{MAX_THOUGHT_CHARS}}}"
        rules = {
            "root": f"thought {opening} call {closing}",
            "thought": f'({gbnf.literal(self.thought)} {words} "\\n")?',
            "call": " | ".join(map(self._call_rule, self.vocabulary.verbs)),
            **grammar_rules(self.grid, view),
        }
        return "".join(f"{name} ::= {rule}\n" for name, rule in rules.items())

    def _call_rule(self, verb: Verb) -> str:
        fields = verb.fields
        arguments = object_rule({"action": verb.name} if self.function else {}, fields)
        name = self.function or verb.name
        opening = gbnf.literal(f'{{"name": "{name}", "arguments": ')
        return f'{opening} {arguments} "}}"'

    @property
    def _form(self) -> str:
        if self.form == "xml":
            example = toolcalls.as_xml("function", {"parameter": "value"})
        else:
            example = '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
        return f"For each call, write within <tool_call></tool_call> tags:\n{example}"

    def _tools(self) -> list[dict[str, Any]]:
        verbs = [verb for verb in self.vocabulary.verbs if verb.says]
        if not self.function:
            return [_tool(verb.name, verb.says, properties(verb), required(verb)) for verb in verbs]
        says = "\n".join(f"* `{verb.name}`: {verb.says}" for verb in verbs)
        action = {"type": "string", "enum": [verb.name for verb in verbs], "description": says}
        fields = {name: schema for verb in reversed(verbs) for name, schema in properties(verb).items()}
        return [_tool(self.function, "Use a mouse and a keyboard.", {"action": action, **fields}, ["action"])]


def properties(verb: Verb) -> dict[str, Any]:
    """The JSON schemas of the verb's arguments."""
    return {field.name: field.schema for field in verb.fields}


def required(verb: Verb) -> list[str]:
    """The arguments that must be there."""
    return [field.name for field in verb.fields if not field.optional]


def _tool(name: str, says: str, fields: dict[str, Any], needed: list[str]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": fields, "required": needed}
    return {"type": "function", "function": {"name": name, "description": says, "parameters": parameters}}
