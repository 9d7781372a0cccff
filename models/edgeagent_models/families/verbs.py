"""A family's vocabulary, declared: what each verb takes, how it reads, and from that its schema and its grammar. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families import grammar as gbnf
from edgeagent_models.families.arguments import Arguments
from edgeagent_models.families.family import CannotTell, UnreadableReply
from edgeagent_models.families.grid import GridKind, View, limits, on_grid

FieldKind = Literal["point", "x", "y", "text", "keys", "integer", "seconds", "flag", "choice"]
Told: TypeAlias = "tuple[str, dict[str, object]]"
"""A verb and its arguments. A `Point` stands for its numbers: under ``xy`` for two arguments, else for a pair."""
MAX_TEXT_CHARS = 600
MAX_AMOUNT = 10_000
MAX_SECONDS = 60
KEYS = (
    "ctrl", "alt", "shift", "super", "enter", "tab", "escape", "backspace", "delete", "insert", "space", "home", "end",
    "pageup", "pagedown", "up", "down", "left", "right", *(f"f{number}" for number in range(1, 13)),
)  # fmt: skip
_TYPES = {
    "point": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}, "x": {"type": "integer"},
    "y": {"type": "integer"}, "text": {"type": "string"}, "keys": {"type": "array", "items": {"type": "string"}},
    "integer": {"type": "integer"}, "seconds": {"type": "number"}, "flag": {"type": "boolean"}, "choice": {"type": "string"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One argument."""

    name: str
    kind: FieldKind
    says: str = ""
    choices: tuple[str, ...] = ()
    optional: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """As JSON schema."""
        said = {"description": self.says} if self.says else {}
        return _TYPES[self.kind] | ({"enum": list(self.choices)} if self.choices else {}) | said

    @property
    def rule(self) -> str:
        """GBNF of its value; the rules that it names are in `grammar_rules`."""
        match self.kind:
            case "choice":
                return gbnf.choice(self.choices)
            case "flag":
                return '("true" | "false")'
            case "keys":
                return '"[" key (", " key){0,3} "]"'
            case "seconds":
                return gbnf.integers(0, MAX_SECONDS)
            case _:
                return self.kind


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that a model can do."""

    name: str
    says: str
    fields: tuple[Field, ...]
    read: Callable[[Arguments], Action]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All verbs of a family, and how an action is told in them (None: not at all)."""

    verbs: tuple[Verb, ...]
    tell: Callable[[Action], Told | None]
    synonyms: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names that models use for a verb all the same."""

    def only(self, *names: str) -> Vocabulary:
        """The same without the verbs that are not named."""
        return replace(self, verbs=tuple(verb for verb in self.verbs if verb.name in names))

    def taking(self, name: str, *fields: Field) -> Vocabulary:
        """The same with other arguments declared for the verb ``name``."""
        verbs = tuple(replace(verb, fields=fields) if verb.name == name else verb for verb in self.verbs)
        return replace(self, verbs=verbs)

    def verb(self, name: str) -> Verb:
        """The verb called ``name``; raises `UnreadableReply` listing what there is."""
        plain = name.strip().lower()
        plain = self.synonyms.get(plain, plain)
        for verb in self.verbs:
            if verb.name == plain:
                return verb
        raise UnreadableReply(f"there is no action {name[:60]!r}; there are {', '.join(verb.name for verb in self.verbs)}")

    def read(self, name: str, values: Mapping[str, object], kind: GridKind, view: View) -> Action:
        """The action that a call of ``name`` with ``values`` means."""
        verb = self.verb(name)
        return verb.read(Arguments(verb.name, values, kind, view))

    def told(self, action: Action) -> Told:
        """As `tell`, for a verb and arguments that this family has; raises `CannotTell`."""
        told = self.tell(action)
        for verb in self.verbs if told else ():
            if told and verb.name == told[0] and not {*told[1]} - {"xy", "to_xy"} - {field.name for field in verb.fields}:
                return told
        raise CannotTell(f"no words for {action!r}")


def spelled(values: Mapping[str, object], kind: GridKind, view: View) -> dict[str, object]:
    """``values`` with the family's numbers for points."""
    found: dict[str, object] = {}
    for name, value in values.items():
        if not isinstance(value, Point):
            found[name] = value
        elif name == "xy":
            found["x"], found["y"] = on_grid(kind, value, view)
        elif name == "to_xy":
            found["to_x"], found["to_y"] = on_grid(kind, value, view)
        else:
            found[name] = list(on_grid(kind, value, view))
    return found


def object_rule(fixed: Mapping[str, str], fields: tuple[Field, ...]) -> str:
    """GBNF of a JSON object with the ``fixed`` texts first, then the fields, spaced as `json.dumps` does."""
    pairs = [f'"{name}": {json.dumps(value)}' for name, value in fixed.items()]
    parts = [gbnf.literal("{" + ", ".join(pairs))]
    for index, item in enumerate(fields):
        separator = ", " if pairs or index else ""
        label = gbnf.literal(separator + f'"{item.name}": ')
        part = f"{label} {item.rule}"
        parts.append(f"({part})?" if item.optional else part)
    return " ".join([*parts, gbnf.literal("}")])


def grammar_rules(kind: GridKind, view: View) -> dict[str, str]:
    """The rules that `Field.rule` names."""
    most_x, most_y = limits(kind, view)
    return {
        "point": '"[" x ", " y "]"',
        "x": gbnf.integers(0, most_x),
        "y": gbnf.integers(0, most_y),
        "integer": gbnf.integers(-MAX_AMOUNT, MAX_AMOUNT),
        "key": gbnf.choice(KEYS) + r' | "\"" [a-zA-Z0-9+-] "\""',
        "text": gbnf.text(MAX_TEXT_CHARS),
        "char": gbnf.CHARACTER,
    }
