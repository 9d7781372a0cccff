"""The dialect of families that answer with a thought and one function call as text. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from edgeagent_harness.protocol.actions import Action, AskUser
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.calls import calls_in, quoted
from edgeagent_models.families.family import Said, UnreadableReply
from edgeagent_models.families.grid import GridKind, View, on_grid
from edgeagent_models.families.verbs import Field, Verb, Vocabulary, spelled

_TAGS = re.compile(r"</?(?:think|code)>")


@dataclass(frozen=True, slots=True)
class CallDialect:
    """``before`` the thought, ``between`` it and the call, ``after`` the call."""

    vocabulary: Vocabulary
    grid: GridKind
    introduction: str
    rules: str
    before: str
    between: str
    after: str = ""
    place: str = ""
    """How a point is written, with ``{x}`` and ``{y}``; empty: as a list of two numbers."""

    def called(self, action: Action) -> str:
        return self.vocabulary.told(action)[0]

    def instructions(self, view: View) -> str:
        return "\n".join([self.introduction, *map(self._signature, self.vocabulary.verbs), self.rules])

    def parse(self, text: str, view: View) -> Said:
        before, rest = self._split(text)
        call = next(calls_in(rest, self._names), None)
        if call is None:
            known = ", ".join(verb.name for verb in self.vocabulary.verbs)
            raise UnreadableReply(f"the reply has no action: write {self.between.strip()} and one of {known}")
        thought = _TAGS.sub("", before).strip().removeprefix(self.before.strip()).strip()
        verb = self.vocabulary.verb(call.name)
        action = self.vocabulary.read(verb.name, call.values(tuple(item.name for item in verb.fields)), self.grid, view)
        if isinstance(action, AskUser) and not action.question:
            action = AskUser(thought or "the model asks for your help")
        return Said(thought, action)

    def render(self, thought: str, action: Action, view: View) -> str:
        verb, values = self.vocabulary.told(action)
        arguments = ", ".join(f"{name}={self._written(value, view)}" for name, value in self._spelled(values, view).items())
        return f"{self.before}{thought}{self.between}{verb}({arguments}){self.after}"

    def grammar(self, view: View) -> str:
        return ""

    def _split(self, text: str) -> tuple[str, str]:
        """``text`` up to its call, and from there: behind the marker, else where a line begins with one, else anywhere."""
        calling = rf"(?:{'|'.join(map(re.escape, self._names))})\s*\("
        for lead in (re.escape(self.between.strip()) + r"\s*", r"^\s*", r"(?<![\w.])"):
            found = re.search(f"(?P<lead>{lead})(?P<call>{calling})", text, re.MULTILINE)
            if found:
                return text[: found.start("lead")], text[found.start("call") :]
        return text, ""

    @property
    def _names(self) -> tuple[str, ...]:
        return (*(verb.name for verb in self.vocabulary.verbs), *self.vocabulary.synonyms)

    def _spelled(self, values: dict[str, object], view: View) -> dict[str, object]:
        return values if self.place else spelled(values, self.grid, view)

    def _written(self, value: object, view: View) -> str:
        if isinstance(value, Point):
            x, y = on_grid(self.grid, value, view)
            return f"'{self.place.format(x=x, y=y)}'"
        if isinstance(value, str):
            return quoted(value)
        if isinstance(value, list):
            return "[" + ", ".join(self._written(item, view) for item in value) + "]"
        return json.dumps(value)

    def _signature(self, verb: Verb) -> str:
        arguments = ", ".join(f"{field.name}={self._shape(field)}" for field in verb.fields)
        return f"{verb.name}({arguments})" + (f"  # {verb.says}" if verb.says else "")

    def _shape(self, field: Field) -> str:
        match field.kind:
            case "point":
                return f"'{self.place.format(x='x', y='y')}'" if self.place else "[x, y]"
            case "choice":
                return " | ".join(map(quoted, field.choices))
            case "keys" if self.place:
                return "'ctrl a'"
            case "keys":
                return "['ctrl', 'a']"
            case "text":
                return "'…'"
            case _:
                return field.kind
