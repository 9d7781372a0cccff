"""YAML read strictly: every key must be known, every value of its kind; a mistake is told with its line and the nearest key.

Of YAML only mappings, lists and plain or quoted scalars are read. Anchors, aliases, tags, merge keys and several documents have
no use in a policy and make a file say something else than it seems to say, so each of them is an error.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

import yaml

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.keys import nearest, nearest_key

MAX_CHARS = 100_000
"""Longer texts are refused before anything reads them; also what a message to the supervisor holds."""
_MAX_DEPTH = 12
_STRING = "tag:yaml.org,2002:str"
_QUOTED_WILDCARD = "'*.example.org'"
_BOOLEAN = "tag:yaml.org,2002:bool"
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")


class Document:
    """One text: what errors call it, and the line of each key in it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[str, int] = {}

    def error(self, message: str, line: int) -> UsageProblem:
        """A problem at ``line``."""
        return UsageProblem(f"{self.source}, line {line}: {message}")


class Section:
    """One mapping. Each value is taken by name; `done` refuses what nobody took."""

    def __init__(self, node: yaml.Node, path: str, document: Document) -> None:
        self.path = path
        self.document = document
        self._line = line_of_node(node)
        self._values: dict[str, yaml.Node] = {}
        self._known: list[str] = []
        if not isinstance(node, yaml.MappingNode):
            raise self.error(f"{path or 'a policy'} must be a mapping of keys to values", self._line)
        for key, value in node.value:
            self._add(key, value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def is_text(self, name: str) -> bool:
        """Whether the value of ``name`` is a scalar, where the format has more than one form."""
        return isinstance(self._values.get(name), yaml.ScalarNode)

    def section(self, name: str) -> Section | None:
        """The mapping under ``name``, if there is one."""
        node = self._take(name)
        return None if node is None else Section(node, self.full(name), self.document)

    def sections(self, name: str) -> list[Section]:
        """The list of mappings under ``name``."""
        return [Section(item, path, self.document) for path, item in self._items(name)]

    def mixed(self, name: str) -> list[Section | tuple[str, int]]:
        """The list under ``name``, whose items are mappings or texts, each text with its line."""
        return [
            (self._scalar(path, item), line_of_node(item))
            if isinstance(item, yaml.ScalarNode)
            else Section(item, path, self.document)
            for path, item in self._items(name)
        ]

    def text(self, name: str, default: str, allowed: Sequence[str] = ()) -> str:
        """A string, one of ``allowed`` if that says any."""
        node = self._take(name)
        if node is None:
            return default
        value = self._scalar(self.full(name), node)
        if allowed and value not in allowed:
            raise self._not_among(name, value, allowed)
        return value

    def needed_text(self, name: str) -> str:
        """As `text`, where it must be given."""
        self._need(name)
        return self.text(name, "")

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of strings, none of them twice."""
        if name not in self._values:
            self._known.append(name)
            return default
        values: list[str] = []
        for path, item in self._items(name):
            value = self._scalar(path, item)
            if value in values:
                raise self.error(f"{self.full(name)}: {value!r} is given twice", line_of_node(item))
            values.append(value)
        return tuple(values)

    def number(self, name: str, default: float, low: float, high: float, without: str = "") -> float:
        """A number from ``low`` to ``high``; ``without`` says what leaving it away means."""
        node = self._take(name)
        if node is None:
            return default
        return self._in_range(name, float(self._matched(name, node, _NUMBER, "a number")), low, high, without)

    def integer(self, name: str, default: int, low: int, high: int, without: str = "") -> int:
        """A whole number from ``low`` to ``high``."""
        node = self._take(name)
        if node is None:
            return default
        return int(self._in_range(name, int(self._matched(name, node, _WHOLE_NUMBER, "a whole number")), low, high, without))

    def needed_integer(self, name: str, low: int, high: int) -> int:
        """As `integer`, where it must be given."""
        self._need(name)
        return self.integer(name, low, low, high)

    def boolean(self, name: str, default: bool) -> bool:
        """``true`` or ``false``; YAML's other spellings are refused."""
        node = self._take(name)
        if node is None:
            return default
        if not isinstance(node, yaml.ScalarNode) or node.tag != _BOOLEAN or node.value not in ("true", "false"):
            raise self.error(f"{self.full(name)} must be true or false", line_of_node(node))
        return node.value == "true"

    def done(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self._values:
            if key not in self._known:
                raise self.error(f"unknown key {self.full(key)!r}{nearest_key(key, sorted(self._known))}", self.line_of(key))

    def line_of(self, name: str) -> int:
        """Line of the key ``name``, or of the section if it is not there."""
        return self.document.lines.get(self.full(name), self._line)

    def full(self, name: str) -> str:
        """``name`` with the names of the sections around it."""
        return f"{self.path}.{name}" if self.path else name

    def error(self, message: str, line: int) -> UsageProblem:
        """A problem in this file at ``line``."""
        return self.document.error(message, line)

    def _add(self, key: yaml.Node, value: yaml.Node) -> None:
        line = line_of_node(key)
        if not isinstance(key, yaml.ScalarNode):
            raise self.error("a key must be a plain word", line)
        full = self.full(key.value)
        if key.value == "<<":
            raise self.error("merge keys (<<) are not read; write the keys out", line)
        if key.value in self._values:
            raise self.error(f"{full!r} is given twice, first in line {self.document.lines[full]}", line)
        self._values[key.value] = value
        self.document.lines[full] = line

    def _take(self, name: str) -> yaml.Node | None:
        self._known.append(name)
        return self._values.get(name)

    def _need(self, name: str) -> None:
        if name not in self._values:
            self._known.append(name)
            given = difflib.get_close_matches(name, [key for key in self._values if key not in self._known], 1)
            instead = f"; {given[0]!r} is no key here" if given else ""
            raise self.error(f"{self.path or 'the policy'} lacks {name!r}{instead}", self._line)

    def _items(self, name: str) -> Iterator[tuple[str, yaml.Node]]:
        node = self._take(name)
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(f"{self.full(name)} must be a list", line_of_node(node))
        for place, item in enumerate(node.value):
            yield f"{self.full(name)}[{place}]", item

    def _scalar(self, path: str, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag != _STRING:
            quoted = f"; to mean the text, quote it: '{node.value}'" if isinstance(node, yaml.ScalarNode) and node.value else ""
            raise self.error(f"{path} must be text{quoted}", line_of_node(node))
        if not str(node.value).isprintable():
            raise self.error(f"{path} has a character in it that cannot be seen: {node.value!r}", line_of_node(node))
        return str(node.value)

    def _matched(self, name: str, node: yaml.Node, form: re.Pattern[str], kind: str) -> str:
        """YAML's other ways to write numbers (octal, hexadecimal, base 60, exponents, infinity) are refused."""
        if not isinstance(node, yaml.ScalarNode) or node.tag == _STRING or not form.fullmatch(node.value):
            raise self.error(f"{self.full(name)} must be {kind}", line_of_node(node))
        return str(node.value)

    def _in_range(self, name: str, value: float, low: float, high: float, without: str) -> float:
        if not low <= value <= high:
            hint = f"; leave it away for {without}" if without else ""
            raise self.error(
                f"{self.full(name)} must be from {low:.15g} to {high:.15g}, not {value:.15g}{hint}", self.line_of(name)
            )
        return value

    def _not_among(self, name: str, value: str, allowed: Sequence[str]) -> UsageProblem:
        message = f"{self.full(name)} must be {' or '.join(allowed)}, not {value!r}{nearest(value, allowed)}"
        return self.error(message, self.line_of(name))


def read(text: str, source: str) -> Section:
    """The top mapping of ``text``; ``source`` names it in errors. Raises `UsageProblem`."""
    document = Document(source)
    _check_text(text, document)
    reader = _StrictLoader(text, document)
    try:
        node = reader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = " ".join(part for part in (error.context, error.problem) if part)
        if error.context == "while scanning an alias":
            problem = f"a text that begins with * must be quoted, like {_QUOTED_WILDCARD}"
        raise document.error(f"no valid YAML: {problem}", line) from error
    except yaml.YAMLError as error:
        raise document.error(f"no valid YAML: {str(error).splitlines()[0]}", 1) from error
    finally:
        reader.dispose()
    if node is None:
        raise UsageProblem(f"{source}: the policy is empty; leave it away for the default")
    return Section(node, "", document)


def line_of_node(node: yaml.Node) -> int:
    """The line that ``node`` begins in."""
    return int(node.start_mark.line) + 1


def _check_text(text: str, document: Document) -> None:
    if len(text) > MAX_CHARS:
        raise document.error(f"too long: {len(text)} characters, at most {MAX_CHARS} are read", 1)
    if text.startswith("\ufeff"):
        raise document.error("begins with a byte order mark; save it as UTF-8 without one", 1)
    for number, line in enumerate(text.split("\n"), 1):
        found = next((char for char in line if not char.isprintable() and char not in "\r\t"), None)
        if found is not None:
            raise document.error(f"has the control character {found!r} in it", number)
        if line.startswith("%"):
            raise document.error("YAML directives (%) are not read", number)


class _StrictLoader(yaml.SafeLoader):
    """Refuses, before it is followed, merged or recursed into, whatever a policy has no use for."""

    def __init__(self, text: str, document: Document) -> None:
        super().__init__(text)
        self._document = document
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()
        line = int(event.start_mark.line) + 1
        if isinstance(event, yaml.AliasEvent):
            raise self._document.error(
                f"aliases (*name) are not read; write the value out, or quote it, like {_QUOTED_WILDCARD}", line
            )
        if event.anchor is not None:
            raise self._document.error("anchors (&name) are not read; write the value out where it is needed", line)
        if event.tag is not None:
            raise self._document.error(f"tags ({event.tag}) are not read", line)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._document.error(f"nested deeper than {_MAX_DEPTH} levels", line)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node
